import type { IdempotencyRepository } from '#persistence';
import type { SweptUploads, UploadSweeper } from '#uploads';

/** Rows that are looked at together. */
const PAGE = 1_000;
/** What is more than that is left to the next sweep. */
const MAX_PAGES = 100;

/** Removes what submissions leave for a while and then nobody needs. */
export class IntakeSweeper {
  constructor(
    private readonly keys: Pick<IdempotencyRepository, 'removeExpired'>,
    private readonly uploads: Pick<UploadSweeper, 'sweep'>,
  ) {}

  /** May be broken off at any place, and run twice at once. */
  async sweep(signal: AbortSignal): Promise<SweptUploads> {
    const swept = await this.uploads.sweep(signal);
    await this.sweepKeys(signal);
    return swept;
  }

  private async sweepKeys(signal: AbortSignal): Promise<void> {
    for (let page = 0; page < MAX_PAGES && !signal.aborted; page += 1) {
      if ((await this.keys.removeExpired(PAGE)) < PAGE) return;
    }
  }
}
