import type { Transcript } from '#contracts';
import { type CachedTranscript, TranscriptCache } from '../transcript-cache.port.js';

/** The rules of the port in the plainest form, to check the contract suite itself with; never used by the product. */
export class MemoryTranscriptCache extends TranscriptCache {
  private closed = false;

  constructor(protected readonly kept: Map<string, string>) {
    super();
  }

  override put(cached: CachedTranscript): Promise<void> {
    if (this.isOpen()) this.kept.set(cached.transcript.jobId, this.written(cached));
    return Promise.resolve();
  }

  override get(jobId: string, revision: number): Promise<Transcript | undefined> {
    const text = this.isOpen() ? this.kept.get(jobId) : undefined;
    const cached = text === undefined ? undefined : (JSON.parse(text) as CachedTranscript);
    return Promise.resolve(cached && this.isAt(cached, revision) ? cached.transcript : undefined);
  }

  override forget(jobId: string): Promise<void> {
    this.kept.delete(jobId);
    return Promise.resolve();
  }

  override close(): Promise<void> {
    this.closed = true;
    return Promise.resolve();
  }

  protected isOpen(): boolean {
    return !this.closed;
  }

  protected isAt(cached: CachedTranscript, revision: number): boolean {
    return cached.revision === revision;
  }

  protected written(cached: CachedTranscript): string {
    return JSON.stringify(cached);
  }
}
