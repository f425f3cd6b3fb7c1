import { type CachedStatus, StatusCache } from '../status-cache.port.js';
import type { TestBody } from '../status-cache.contract.js';

/** The rules of the port in the plainest form, to check the contract suite itself with; never used by the product. */
export class MemoryStatusCache extends StatusCache<TestBody> {
  override readonly keeps = true;
  private closed = false;

  constructor(protected readonly kept: Map<string, string>) {
    super();
  }

  override async put(status: CachedStatus<TestBody>): Promise<void> {
    const { job_id: jobId } = status.body;
    const current = await this.get(jobId);
    if (this.mayReplace(current, status)) this.kept.set(jobId, this.written(status));
  }

  override get(jobId: string): Promise<CachedStatus<TestBody> | undefined> {
    const text = this.isOpen() ? this.kept.get(jobId) : undefined;
    return Promise.resolve(text === undefined ? undefined : (JSON.parse(text) as CachedStatus<TestBody>));
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

  protected mayReplace(current: CachedStatus<TestBody> | undefined, next: CachedStatus<TestBody>): boolean {
    return !current || current.revision <= next.revision;
  }

  protected written(status: CachedStatus<TestBody>): string {
    return JSON.stringify(status);
  }
}
