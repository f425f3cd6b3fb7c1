import { TranscriptCache } from './transcript-cache.port.js';

/** Knows nothing: without Redis the database is asked, which is as near as a cache would be. */
export class NoTranscriptCache extends TranscriptCache {
  override put(): Promise<void> {
    return Promise.resolve();
  }

  override get(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  override forget(): Promise<void> {
    return Promise.resolve();
  }

  override close(): Promise<void> {
    return Promise.resolve();
  }
}
