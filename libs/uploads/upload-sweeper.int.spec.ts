import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import type { ObjectStore } from '#objects';
import { Database, UploadRepository } from '#persistence';
import { createLogger } from '#telemetry';
import type { ContractFixture } from '#testing';
import { fileStoreFixture, s3StoreFixture, startS3Server, type TestS3Server } from '../objects/testing.js';
import { startTestDatabase, type TestDatabase } from '../persistence/testing.js';
import { UploadContent } from './upload-content.js';
import { UploadSweeper } from './upload-sweeper.js';

const ROOM = { uploads: 1_000, bytes: 1e12 };
const HOUR_MS = 3_600_000;
const never = new AbortController().signal;
const logger = createLogger('test', 'silent');

let s3: TestS3Server;
beforeAll(async () => {
  s3 = await startS3Server();
});
afterAll(() => s3.close());

describe.each<[string, () => Promise<ContractFixture<ObjectStore>>]>([
  ['files', () => fileStoreFixture()],
  ['S3', () => s3StoreFixture(s3)],
])('the sweep of uploads on %s', (_store, make) => {
  let postgres: TestDatabase;
  let database: Database;
  let rows: UploadRepository;
  let fixture: ContractFixture<ObjectStore>;
  let objects: ObjectStore;
  let content: UploadContent;

  beforeAll(async () => {
    postgres = await startTestDatabase();
    database = new Database(postgres.url);
    await database.connect();
    rows = new UploadRepository(database);
    fixture = await make();
    objects = fixture.open();
    content = new UploadContent(objects, rows, { partBytes: 10, stallMs: 10_000 });
  });
  afterAll(async () => {
    await fixture.dispose();
    await database.close();
    await postgres.stop();
  });

  /** An upload of 30 bytes of which as many have come. */
  async function uploaded(bytes: number): Promise<string> {
    const id = randomUUID();
    await rows.create({ id, bytes: 30, metadata: {} }, ROOM);
    const pieces = Array.from({ length: bytes / 10 }, () => Buffer.alloc(10, 7));
    await content.receive(id, 0, Readable.from(pieces));
    return id;
  }

  async function objectsOf(id: string): Promise<number> {
    let count = 0;
    for await (const { bytes } of objects.list(`uploads/${id}/`)) count += bytes > 0 ? 1 : 0;
    return count;
  }

  /** A sweep for which every object is older by so much. */
  function sweep(olderByMs = 0, signal = never) {
    const aged: Pick<ObjectStore, 'list' | 'delete'> = {
      delete: (key) => objects.delete(key),
      async *list(prefix) {
        for await (const object of objects.list(prefix)) {
          yield { ...object, modifiedAt: new Date(object.modifiedAt.getTime() - olderByMs) };
        }
      },
    };
    return new UploadSweeper(rows, content, aged, logger).sweep(signal);
  }

  const backdate = (id: string, column: 'expires_at' | 'used_at', byMs: number) =>
    database.query(`UPDATE uploads SET ${column} = clock_timestamp() - $2 * interval '1 millisecond' WHERE id = $1`, [
      id,
      byMs,
    ]);

  it('removes uploads whose time has run out, finished or not, and leaves the others', async () => {
    const [half, whole, fresh] = [await uploaded(20), await uploaded(30), await uploaded(20)];
    for (const id of [half, whole]) await backdate(id, 'expires_at', 1_000);
    expect(await sweep()).toEqual({ uploads: 2, orphans: 0 });
    expect([await objectsOf(half), await objectsOf(whole), await objectsOf(fresh)]).toEqual([0, 0, 2]);
    expect(await rows.existing([half, whole, fresh])).toEqual([fresh]);
    expect(await sweep()).toEqual({ uploads: 0, orphans: 0 });
  });

  it('removes the pieces that a crash left of one that was used, and knows that it was used', async () => {
    const [used, justUsed] = [await uploaded(30), await uploaded(30)];
    await backdate(used, 'used_at', 120_000);
    await backdate(justUsed, 'used_at', 0);
    expect(await sweep()).toEqual({ uploads: 1, orphans: 0 });
    expect([await objectsOf(used), await objectsOf(justUsed)]).toEqual([0, 3]);
    expect(await rows.find(used)).toMatchObject({ used: true });
  });

  it('removes objects without an upload once they are an hour old, and nothing of others', async () => {
    const [orphan, known] = [randomUUID(), await uploaded(10)];
    const strangers = [`media/${randomUUID()}/source.wav`, 'uploads/notes.txt'];
    for (const key of [`uploads/${orphan}/000000000000000-x`, ...strangers]) {
      await objects.put(key, Readable.from([Buffer.from('x')]));
    }
    expect(await sweep(HOUR_MS / 2)).toEqual({ uploads: 0, orphans: 0 });
    expect(await sweep(2 * HOUR_MS)).toEqual({ uploads: 0, orphans: 1 });
    expect([await objectsOf(orphan), await objectsOf(known)]).toEqual([0, 1]);
    for (const key of strangers) expect(await objects.stat(key)).toBeDefined();
  });

  it('removes the locks of those that died, and no others', async () => {
    const [held, dead] = [randomUUID(), randomUUID()];
    await rows.lock(held, randomUUID(), 60_000);
    await rows.lock(dead, randomUUID(), 0);
    await sweep();
    const left = await database.query<{ id: string }>('SELECT upload_id AS id FROM upload_locks');
    expect(left).toEqual([{ id: held }]);
  });

  it('may run twice at once, and be broken off', async () => {
    const gone = await Promise.all([uploaded(20), uploaded(20), uploaded(20)]);
    for (const id of gone) await backdate(id, 'expires_at', 1_000);
    expect(await sweep(0, AbortSignal.abort())).toEqual({ uploads: 0, orphans: 0 });
    await Promise.all([sweep(), sweep()]);
    expect(await rows.existing(gone)).toEqual([]);
    for (const id of gone) expect(await objectsOf(id)).toBe(0);
  });
});
