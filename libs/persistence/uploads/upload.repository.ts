import { PolyscribeError } from '#contracts';
import type { Database, Transaction } from '../database.js';
import { fromNow } from '../jobs/job-sql.js';
import { storableJson } from '../storable.js';

/** How long an upload is kept after the last byte came. */
export const UPLOAD_TTL_MS = 24 * 3_600_000;

/** What the client says of its upload; a name without a value is null. */
export type UploadMetadata = Readonly<Record<string, string | null>>;

/** A file that comes in pieces. */
export interface Upload {
  /** UUID. */
  readonly id: string;
  /** What it will have at its end. */
  readonly bytes: number;
  /** What has come so far and is safe. */
  readonly received: number;
  readonly metadata: UploadMetadata;
  /** Whether a job was made of it; its bytes are gone then. */
  readonly used: boolean;
  readonly expiresAt: Date;
}

/** A piece of an upload, whole, as it lies in the object store. */
export interface UploadPart {
  readonly startByte: number;
  readonly bytes: number;
  readonly key: string;
}

/** How many uploads of which no job was made may be there at once, and how much they may announce in all. */
export interface UploadRoom {
  readonly uploads: number;
  readonly bytes: number;
}

/** Any number that no other part of the product uses as an advisory lock. */
const ROOM_LOCK_KEY = 7_265_019;

interface UploadRow extends Omit<Upload, 'bytes' | 'received'> {
  readonly bytes: string;
  readonly received: string;
}

/** Where uploads stand. The rows are the truth: an object without a row was never received. */
export class UploadRepository {
  constructor(private readonly database: Database) {}

  /** @throws PolyscribeError `rate_limited` where there is no room for it */
  async create({ id, bytes, metadata }: Pick<Upload, 'id' | 'bytes' | 'metadata'>, room: UploadRoom): Promise<void> {
    await this.database.transaction(async ({ query }) => {
      // One at a time, so that two cannot take the last place.
      await query('SELECT pg_advisory_xact_lock($1)', [ROOM_LOCK_KEY]);
      const [open] = await query<{ uploads: number; bytes: string }>(
        `SELECT count(*)::integer AS uploads, coalesce(sum(bytes), 0) AS bytes FROM uploads
         WHERE used_at IS NULL AND expires_at > clock_timestamp()`,
      );
      if (open && (open.uploads >= room.uploads || Number(open.bytes) + bytes > room.bytes)) throw noRoom();
      await query(`INSERT INTO uploads (id, bytes, metadata, expires_at) VALUES ($1, $2, $3, ${fromNow('$4')})`, [
        ...[id, bytes, storableJson(metadata), UPLOAD_TTL_MS],
      ]);
    });
  }

  /** undefined where there is none, or its time has run out. */
  async find(id: string): Promise<Upload | undefined> {
    const [row] = await this.database.query<UploadRow>(
      `SELECT id, bytes, received, metadata, used_at IS NOT NULL AS used, expires_at AS "expiresAt"
       FROM uploads WHERE id = $1 AND expires_at > clock_timestamp()`,
      [id],
    );
    return row && { ...row, bytes: Number(row.bytes), received: Number(row.received) };
  }

  /**
   * Notes that a piece is safe. Of two that begin at the same byte only one is taken.
   *
   * @returns false where the upload has gone, or does not go on at this byte
   */
  async addPart(id: string, { startByte, bytes, key }: UploadPart): Promise<boolean> {
    return this.database.transaction(async ({ query }) => {
      const [grown] = await query(
        `UPDATE uploads SET received = received + $3, expires_at = ${fromNow('$4')}
         WHERE id = $1 AND received = $2 AND used_at IS NULL AND expires_at > clock_timestamp() RETURNING id`,
        [id, startByte, bytes, UPLOAD_TTL_MS],
      );
      if (!grown) return false;
      await query('INSERT INTO upload_parts (upload_id, start_byte, object_key) VALUES ($1, $2, $3)', [
        id,
        startByte,
        key,
      ]);
      return true;
    });
  }

  /** The keys of its pieces, from its first byte to its last. */
  async partKeys(id: string): Promise<string[]> {
    const rows = await this.database.query<{ key: string }>(
      'SELECT object_key AS key FROM upload_parts WHERE upload_id = $1 ORDER BY start_byte',
      [id],
    );
    return rows.map(({ key }) => key);
  }

  /** Notes that the objects of an upload are gone. One that was used is known as such until its time has run out. */
  async cleared(id: string): Promise<void> {
    await this.database.transaction(async ({ query }) => {
      await query('DELETE FROM upload_parts WHERE upload_id = $1', [id]);
      await query('DELETE FROM uploads WHERE id = $1 AND (used_at IS NULL OR expires_at <= clock_timestamp())', [id]);
    });
  }

  /** Up to `limit` uploads whose objects nobody needs: their time has run out, or a crash came after they were used. */
  async toClear(limit: number): Promise<string[]> {
    const rows = await this.database.query<{ id: string }>(
      `SELECT id FROM uploads u
       WHERE expires_at <= clock_timestamp() OR (used_at <= ${fromNow('-$2')}
         AND EXISTS (SELECT FROM upload_parts WHERE upload_id = u.id))
       ORDER BY expires_at LIMIT $1`,
      [limit, 60_000],
    );
    return rows.map(({ id }) => id);
  }

  /** Those of these uploads that exist. */
  async existing(ids: readonly string[]): Promise<string[]> {
    const rows = await this.database.query<{ id: string }>('SELECT id FROM uploads WHERE id = ANY($1::uuid[])', [ids]);
    return rows.map(({ id }) => id);
  }

  /** Takes the lock of an upload for a while. @returns false while another token holds it */
  async lock(id: string, token: string, forMs: number): Promise<boolean> {
    const taken = await this.database.query(
      `INSERT INTO upload_locks AS l (upload_id, token, held_until) VALUES ($1, $2, ${fromNow('$3')})
       ON CONFLICT (upload_id) DO UPDATE SET token = excluded.token, held_until = excluded.held_until
         WHERE l.held_until <= clock_timestamp()
       RETURNING token`,
      [id, token, forMs],
    );
    return taken.length > 0;
  }

  /** Holds a lock for longer. One that was given back stays so, however late this comes to the database. */
  async renewLock(id: string, token: string, forMs: number): Promise<void> {
    await this.database.query(
      `UPDATE upload_locks SET held_until = ${fromNow('$3')} WHERE upload_id = $1 AND token = $2`,
      [id, token, forMs],
    );
  }

  async unlock(id: string, token: string): Promise<void> {
    await this.database.query('DELETE FROM upload_locks WHERE upload_id = $1 AND token = $2', [id, token]);
  }

  /** Removes locks whose holders died. */
  async removeDeadLocks(): Promise<void> {
    await this.database.query('DELETE FROM upload_locks WHERE held_until <= clock_timestamp()');
  }
}

/** Makes an upload that of one job. @throws PolyscribeError `upload_conflict` where another one has it, or it went */
export async function takeUpload({ query }: Transaction, id: string): Promise<void> {
  const taken = await query(
    `UPDATE uploads SET used_at = clock_timestamp(), metadata = '{}'
     WHERE id = $1 AND used_at IS NULL AND received = bytes RETURNING id`,
    [id],
  );
  if (taken.length === 0) throw uploadUsed();
}

function noRoom(): PolyscribeError {
  const message =
    'As many uploads are open as are taken at once; submit or delete those that are finished, or try again later.';
  return new PolyscribeError('rate_limited', message, { retryAfterMs: 60_000 });
}

export function uploadUsed(): PolyscribeError {
  return new PolyscribeError('upload_conflict', 'A job was made of this upload already; upload the recording again.');
}
