import type { ObjectStore } from '#objects';
import type { UploadRepository } from '#persistence';
import type { Logger } from '#telemetry';
import { type UploadContent, UPLOADS_PREFIX } from './upload-content.js';

/** Uploads or objects that are looked at together. */
const PAGE = 200;
/** What is more than that is left to the next sweep. */
const MAX_CLEARED = 10_000;
/** An object that is older has its row, or never gets one. */
const ORPHAN_AGE_MS = 3_600_000;
const uploadIdOfKey = /^uploads\/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\//;

/** What a sweep removed. */
export interface SweptUploads {
  /** Their time had run out, or a crash came after a job was made of them. */
  readonly uploads: number;
  /** Objects that belong to no upload. */
  readonly orphans: number;
}

/** Removes uploads whose time has run out, and what crashes left of others. */
export class UploadSweeper {
  constructor(
    private readonly rows: UploadRepository,
    private readonly content: UploadContent,
    private readonly objects: Pick<ObjectStore, 'list' | 'delete'>,
    private readonly logger: Logger,
  ) {}

  /** May be broken off at any place, and run twice at once. */
  async sweep(signal: AbortSignal): Promise<SweptUploads> {
    await this.rows.removeDeadLocks();
    const uploads = await this.clearUploads(signal);
    const orphans = await this.removeOrphans(signal);
    if (uploads + orphans > 0) this.logger.info({ uploads, orphans }, 'removed uploads');
    return { uploads, orphans };
  }

  private async clearUploads(signal: AbortSignal): Promise<number> {
    let cleared = 0;
    while (cleared < MAX_CLEARED && !signal.aborted) {
      const page = await this.rows.toClear(PAGE);
      for (const id of page) await this.content.clear(id);
      cleared += page.length;
      if (page.length < PAGE) break;
    }
    return cleared;
  }

  private async removeOrphans(signal: AbortSignal): Promise<number> {
    let removed = 0;
    let page = new Map<string, string>();
    for await (const { key, modifiedAt } of this.objects.list(UPLOADS_PREFIX)) {
      if (signal.aborted || removed >= MAX_CLEARED) return removed;
      const id = uploadIdOfKey.exec(key)?.[1];
      if (id === undefined || modifiedAt.getTime() > Date.now() - ORPHAN_AGE_MS) continue;
      page.set(key, id);
      if (page.size < PAGE) continue;
      removed += await this.removeUnknown(page);
      page = new Map();
    }
    return removed + (await this.removeUnknown(page));
  }

  /** @param page keys, with the upload that each belongs to by its name */
  private async removeUnknown(page: ReadonlyMap<string, string>): Promise<number> {
    if (page.size === 0) return 0;
    const known = new Set(await this.rows.existing([...new Set(page.values())]));
    const orphans = [...page].filter(([, id]) => !known.has(id));
    for (const [key] of orphans) await this.objects.delete(key);
    return orphans.length;
  }
}
