import type { Readable } from 'node:stream';

export interface StoredObject {
  readonly key: string;
  readonly bytes: number;
  readonly modifiedAt: Date;
}

/** An object as a seekable local file, for programs that need one. */
export interface LocalCopy {
  readonly path: string;
  /** Removes the copy where it is one. Safe to call more than once. */
  dispose(): Promise<void>;
}

/**
 * Keeps media. A key is one or more parts of letters, digits, `-`, `_` and `.` joined by `/`, no part beginning with a
 * dot; anything else is refused with `invalid_request`, so that no name can reach outside the store.
 */
export abstract class ObjectStore {
  /**
   * Writes an object from a stream, whole or not at all: when the source fails or the signal aborts nothing is left.
   * Replaces what was there. Memory does not grow with the object.
   *
   * @returns the number of bytes written
   */
  abstract put(
    key: string,
    source: Readable,
    options?: { signal?: AbortSignal; contentType?: string },
  ): Promise<number>;

  /**
   * The bytes from `start` to `end` (both inclusive, as in HTTP ranges; an `end` past the object means its last byte); all
   * by default. Read the stream to its end or destroy it: it holds a file or a connection.
   *
   * @throws PolyscribeError `not_found`; `invalid_request` for a range that holds no byte of the object
   */
  abstract get(key: string, range?: { start: number; end?: number }): Promise<Readable>;

  /** undefined when there is none. */
  abstract stat(key: string): Promise<StoredObject | undefined>;

  /** Unknown keys are no error. */
  abstract delete(key: string): Promise<void>;

  /** Objects whose key begins with the prefix, in no particular order. */
  abstract list(prefix: string): AsyncIterable<StoredObject>;

  /** The object as a seekable local file. @throws PolyscribeError `not_found` */
  abstract toLocalFile(key: string, signal: AbortSignal): Promise<LocalCopy>;

  /**
   * A link by which anyone who has it can read the object until it expires, which is `expiresInMs` from now or up to five
   * minutes later: links that are made soon after one another are the same. `filename` is the name that a browser saves
   * under. Does not check that the object exists.
   */
  abstract presign(key: string, expiresInMs: number, filename: string): Promise<string>;

  /**
   * Clears away what crashes left unfinished, of any process: halves of objects, local copies. What somebody may still be
   * at stays. A failure is logged and no more: such things only take space.
   */
  abstract clearLeftovers(): Promise<void>;

  /** Resolves when the store answers. @throws PolyscribeError `dependency_unavailable` */
  abstract ping(): Promise<void>;

  abstract close(): Promise<void>;
}
