import { randomUUID } from 'node:crypto';
import { mkdir, opendir, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { systemErrorCode } from '#contracts';
import type { Logger } from '#telemetry';

/** How often the owner of a file says that it still needs it. */
const TOUCH_EVERY_MS = 5 * 60_000;
/** A file that nobody has touched for that long is what a crash left. */
const MAX_UNTOUCHED_MS = 3_600_000;

export interface ScratchFile {
  /** No file is there yet. */
  readonly path: string;
  /** Removes it. Safe to call more than once. */
  dispose(): Promise<void>;
}

/**
 * A folder of passing files that several processes may share. Files are touched for as long as they are needed, so that
 * the next start of any of them can tell what a crash left behind.
 */
export class ScratchFolder {
  private readonly inUse = new Set<string>();
  private timer: NodeJS.Timeout | undefined;
  private prepared: Promise<void> | undefined;

  /** @param folder absolute; made when it is not there */
  constructor(
    private readonly folder: string,
    private readonly logger: Logger,
  ) {}

  /** Makes the folder and removes what a crash left; does so once. */
  prepare(): Promise<void> {
    this.prepared ??= this.makeAndSweep().catch((error: unknown) => {
      this.prepared = undefined;
      throw error;
    });
    return this.prepared;
  }

  async newFile(): Promise<ScratchFile> {
    await this.prepare();
    const path = join(this.folder, randomUUID());
    this.inUse.add(path);
    this.timer ??= setInterval(() => void this.touchAll(), TOUCH_EVERY_MS).unref();
    return {
      path,
      dispose: async () => {
        this.inUse.delete(path);
        if (this.inUse.size === 0) this.stopTouching();
        await rm(path, { force: true });
      },
    };
  }

  /** Removes what a crash left. */
  async sweep(): Promise<void> {
    try {
      for await (const entry of await opendir(this.folder)) {
        await removeIfLeft(join(this.folder, entry.name));
      }
    } catch (error) {
      // Old files only take space: no reason to refuse work.
      this.logger.warn({ err: error }, 'could not remove the passing files of an earlier crash');
    }
  }

  /** Removes the files that are still there. */
  async close(): Promise<void> {
    this.stopTouching();
    await Promise.all([...this.inUse].map((path) => rm(path, { force: true })));
    this.inUse.clear();
  }

  private stopTouching(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }

  private async touchAll(): Promise<void> {
    const now = new Date();
    // A file may not be there yet, or no longer.
    await Promise.allSettled([...this.inUse].map((path) => utimes(path, now, now)));
  }

  private async makeAndSweep(): Promise<void> {
    await mkdir(this.folder, { recursive: true, mode: 0o700 });
    await this.sweep();
  }
}

async function removeIfLeft(path: string): Promise<void> {
  try {
    const { mtimeMs } = await stat(path);
    if (mtimeMs < Date.now() - MAX_UNTOUCHED_MS) await rm(path, { force: true });
  } catch (error) {
    if (systemErrorCode(error) !== 'ENOENT') throw error;
  }
}
