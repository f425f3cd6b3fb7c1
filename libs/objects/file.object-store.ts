import { randomUUID } from 'node:crypto';
import type { Stats } from 'node:fs';
import { access, constants, type FileHandle, mkdir, open, opendir, rename, rm, rmdir, stat } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { PolyscribeError, systemErrorCode } from '#contracts';
import type { Logger } from '#telemetry';
import { asStoreError } from './file-errors.js';
import { linkTimes } from './link-times.js';
import { partsOfKey, partsOfPrefix } from './object-key.js';
import { type LocalCopy, ObjectStore, type StoredObject } from './object-store.port.js';
import type { SignedLinks } from './signed-links.js';

/** Where objects are written before they are whole. The dot keeps it out of the keys. */
const DRAFT_FOLDER = '.drafts';
/** A draft that nobody has written to for that long is what a crash left: uploads time out long before. */
const DRAFT_MAX_IDLE_MS = 6 * 3_600_000;
/** What comes while the disk is busy gathers up to this much, and is then written in one call. */
const WRITE_BUFFER_BYTES = 1024 * 1024;
/** How often a write tries again when a delete removes its folder under it. */
const FOLDER_ATTEMPTS = 10;

export interface FileObjectStoreOptions {
  /** Absolute. Made when it is not there. */
  readonly folder: string;
  readonly links: () => Promise<SignedLinks>;
  readonly logger: Logger;
}

/** Objects as files of one folder, shared by every process that has the folder. */
export class FileObjectStore extends ObjectStore {
  private prepared: Promise<void> | undefined;

  constructor(private readonly options: FileObjectStoreOptions) {
    super();
  }

  override async put(
    key: string,
    source: Readable,
    { signal }: { signal?: AbortSignal; contentType?: string } = {},
  ): Promise<number> {
    const draft = join(this.options.folder, DRAFT_FOLDER, randomUUID());
    // A source that fails while we prepare has no other listener yet, and would take the process down.
    source.on('error', ignore);
    try {
      const path = this.pathOf(key);
      const bytes = await writeDurably(await this.openDraft(draft), source, signal);
      await moveIntoPlace(draft, path);
      return bytes;
    } catch (error) {
      source.destroy();
      await rm(draft, { force: true });
      throw asStoreError(error);
    }
  }

  override async get(key: string, range?: { start: number; end?: number }): Promise<Readable> {
    const path = this.pathOf(key);
    const file = await openFile(path);
    try {
      const { size } = await file.stat();
      const window = range ? checkedRange(range, size) : undefined;
      return file.createReadStream(window ?? {});
    } catch (error) {
      await file.close();
      throw asStoreError(error);
    }
  }

  override async stat(key: string): Promise<StoredObject | undefined> {
    const stats = await statFile(this.pathOf(key));
    return stats && { key, bytes: stats.size, modifiedAt: stats.mtime };
  }

  override async delete(key: string): Promise<void> {
    const path = this.pathOf(key);
    // A folder is no object: leave it, as an unknown key.
    if (!(await statFile(path))) return;
    try {
      await rm(path, { force: true });
    } catch (error) {
      throw asStoreError(error);
    }
    await this.prune(dirname(path));
  }

  override async *list(prefix: string): AsyncIterable<StoredObject> {
    const { folders, nameStart } = partsOfPrefix(prefix);
    yield* walk(join(this.options.folder, ...folders), folders, nameStart);
  }

  override async toLocalFile(key: string, signal: AbortSignal): Promise<LocalCopy> {
    signal.throwIfAborted();
    const path = this.pathOf(key);
    if (!(await statFile(path))) throw unknownObject();
    return { path, dispose: () => Promise.resolve() };
  }

  override async presign(key: string, expiresInMs: number, filename: string): Promise<string> {
    partsOfKey(key);
    const links = await this.options.links();
    const { signedAtMs, lastsMs } = linkTimes(expiresInMs, Date.now());
    return links.sign(key, signedAtMs + lastsMs, filename);
  }

  override async clearLeftovers(): Promise<void> {
    await this.sweep(join(this.options.folder, DRAFT_FOLDER));
  }

  override async ping(): Promise<void> {
    try {
      await this.prepare();
      await access(this.options.folder, constants.R_OK | constants.W_OK);
    } catch (error) {
      throw new PolyscribeError('dependency_unavailable', 'The object store cannot be accessed.', { cause: error });
    }
  }

  override close(): Promise<void> {
    return Promise.resolve();
  }

  private pathOf(key: string): string {
    return join(this.options.folder, ...partsOfKey(key));
  }

  /** Makes the folders and removes the drafts that a crash left. */
  private async prepare(): Promise<void> {
    const drafts = join(this.options.folder, DRAFT_FOLDER);
    await mkdir(drafts, { recursive: true, mode: 0o700 });
    await this.sweep(drafts);
  }

  /** A new draft; the first one of the store's life prepares the folders, and one that finds them gone makes them again. */
  private async openDraft(draft: string): Promise<FileHandle> {
    await (this.prepared ??= this.prepare().catch((error: unknown) => {
      this.prepared = undefined;
      throw error;
    }));
    try {
      return await open(draft, 'wx', 0o600);
    } catch (error) {
      if (systemErrorCode(error) !== 'ENOENT') throw error;
      await this.prepare();
      return open(draft, 'wx', 0o600);
    }
  }

  private async sweep(drafts: string): Promise<void> {
    try {
      for await (const entry of await opendir(drafts)) {
        const path = join(drafts, entry.name);
        const stats = await statFile(path);
        if (stats && stats.mtimeMs < Date.now() - DRAFT_MAX_IDLE_MS) await rm(path, { force: true });
      }
    } catch (error) {
      if (systemErrorCode(error) === 'ENOENT') return;
      // Old drafts only take space: no reason to refuse work.
      this.options.logger.warn({ err: error }, 'could not remove the unfinished objects of an earlier crash');
    }
  }

  /** Removes the folder and those above it as far as they are empty. */
  private async prune(folder: string): Promise<void> {
    for (let at = folder; at.startsWith(this.options.folder + sep); at = dirname(at)) {
      try {
        await rmdir(at);
      } catch {
        // Not empty, or another process was first: either way there is nothing more to do.
        return;
      }
    }
  }
}

/**
 * Writes the stream to a new file and waits until the disk has it.
 *
 * @param file open: a stream that opens it itself may do so after an abort, and leave it behind
 */
async function writeDurably(file: FileHandle, source: Readable, signal: AbortSignal | undefined): Promise<number> {
  const target = file.createWriteStream({ flush: true, highWaterMark: WRITE_BUFFER_BYTES });
  await pipeline(source, target, signal ? { signal } : {});
  return target.bytesWritten;
}

function ignore(): void {
  // The pipeline reports it.
}

async function moveIntoPlace(draft: string, path: string): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      await rename(draft, path);
      break;
    } catch (error) {
      if (['ENOTDIR', 'EEXIST', 'EISDIR', 'ENOTEMPTY'].includes(systemErrorCode(error) ?? '')) {
        throw new PolyscribeError(
          'invalid_request',
          'The object key is at odds with another: one lies inside the other.',
          {
            cause: error,
          },
        );
      }
      // A delete at the same time may have taken the folder away as empty between the two calls.
      if (systemErrorCode(error) !== 'ENOENT' || attempt === FOLDER_ATTEMPTS) throw error;
    }
  }
  await syncFolder(dirname(path));
}

/** Makes the rename itself survive a power cut, where the system can do that for folders. */
async function syncFolder(path: string): Promise<void> {
  let folder: FileHandle | undefined;
  try {
    folder = await open(path, 'r');
    await folder.sync();
  } catch (error) {
    if (!['EISDIR', 'EPERM', 'EINVAL', 'ENOENT', 'EACCES'].includes(systemErrorCode(error) ?? '')) throw error;
  } finally {
    await folder?.close();
  }
}

async function* walk(folder: string, parts: readonly string[], nameStart: string): AsyncIterable<StoredObject> {
  let entries;
  try {
    entries = await opendir(folder);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(systemErrorCode(error) ?? '')) return;
    throw asStoreError(error);
  }
  for await (const entry of entries) {
    if (entry.name.startsWith('.') || !entry.name.startsWith(nameStart)) continue;
    const path = join(folder, entry.name);
    const below = [...parts, entry.name];
    if (entry.isDirectory()) {
      yield* walk(path, below, '');
    } else {
      const stats = await statFile(path);
      if (stats) yield { key: below.join('/'), bytes: stats.size, modifiedAt: stats.mtime };
    }
  }
}

/** undefined when there is no such file. */
async function statFile(path: string): Promise<Stats | undefined> {
  try {
    const stats = await stat(path);
    return stats.isFile() ? stats : undefined;
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(systemErrorCode(error) ?? '')) return undefined;
    throw asStoreError(error);
  }
}

async function openFile(path: string): Promise<FileHandle> {
  if (!(await statFile(path))) throw unknownObject();
  try {
    return await open(path, 'r');
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') throw unknownObject();
    throw asStoreError(error);
  }
}

function checkedRange(range: { start: number; end?: number }, size: number): { start: number; end: number } {
  const end = Math.min(range.end ?? size - 1, size - 1);
  if (!Number.isSafeInteger(range.start) || range.start < 0 || !Number.isSafeInteger(end) || end < range.start) {
    throw new PolyscribeError('invalid_request', 'The byte range lies outside the object.');
  }
  return { start: range.start, end };
}

function unknownObject(): PolyscribeError {
  return new PolyscribeError('not_found', 'There is no such object; it may have been removed.');
}
