import type { ObjectStore } from '#objects';
import type { RetentionRepository } from '#persistence';
import type { Logger } from '#telemetry';

/** Jobs or objects that are looked at together. */
const PAGE = 200;
/** What is more than that is left to the next sweep. */
const MAX_REMOVALS = 10_000;

/** Where the media of jobs lie: `media/<job id>/...` or `media/<job id>`. */
const MEDIA_PREFIX = 'media/';
const jobIdOfKey = /^media\/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?:\/|$)/;

export interface SweepLimits {
  /** How long the media of a job are kept after its end. */
  readonly mediaTtlMs: number;
  /** How old an object must be to be taken for one that nobody needs: its upload may still be on its way to a row. */
  readonly orphanAgeMs: number;
}

/** How many objects a sweep removed, and why. */
export interface Swept {
  /** Their job has ended long ago. */
  readonly expired: number;
  /** No job has them: left by a crash between object and row, or between row and object. */
  readonly orphans: number;
}

/** Removes media that nobody needs any more. Objects whose key is not that of a job's media are left alone. */
export class MediaSweeper {
  constructor(
    private readonly rows: Pick<RetentionRepository, 'expireMedia' | 'withMedia'>,
    private readonly objects: Pick<ObjectStore, 'delete' | 'list'>,
    private readonly limits: SweepLimits,
    private readonly logger: Logger,
  ) {}

  /** May be broken off at any place, and run twice at once. */
  async sweep(signal: AbortSignal): Promise<Swept> {
    const expired = await this.removeExpired(signal);
    const orphans = await this.removeOrphans(signal);
    if (expired + orphans > 0) this.logger.info({ expired, orphans }, 'removed media');
    return { expired, orphans };
  }

  private async removeExpired(signal: AbortSignal): Promise<number> {
    let removed = 0;
    while (removed < MAX_REMOVALS && !signal.aborted) {
      const page = await this.rows.expireMedia(this.limits.mediaTtlMs, PAGE);
      for (const { key } of page) await this.objects.delete(key);
      removed += page.length;
      if (page.length < PAGE) break;
    }
    return removed;
  }

  private async removeOrphans(signal: AbortSignal): Promise<number> {
    let removed = 0;
    let page = new Map<string, string>();
    for await (const { key, modifiedAt } of this.objects.list(MEDIA_PREFIX)) {
      if (signal.aborted || removed >= MAX_REMOVALS) return removed;
      const jobId = jobIdOfKey.exec(key)?.[1];
      if (jobId === undefined || modifiedAt.getTime() > Date.now() - this.limits.orphanAgeMs) continue;
      page.set(key, jobId);
      if (page.size < PAGE) continue;
      removed += await this.removeUnknown(page);
      page = new Map();
    }
    return removed + (await this.removeUnknown(page));
  }

  /** @param page keys, with the job that each belongs to by its name */
  private async removeUnknown(page: ReadonlyMap<string, string>): Promise<number> {
    if (page.size === 0) return 0;
    const kept = new Set((await this.rows.withMedia([...new Set(page.values())])).map(({ key }) => key));
    const orphans = [...page.keys()].filter((key) => !kept.has(key));
    for (const key of orphans) await this.objects.delete(key);
    return orphans.length;
  }
}
