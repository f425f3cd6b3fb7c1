import type { ClientRequest } from 'node:http';

/** The body of one request on its way: pulls its source only as fast as the connection takes it. */
export class RequestBody {
  private stopped = false;
  private sent = false;
  private iterator: AsyncIterator<Uint8Array> | undefined;

  constructor(
    private readonly request: ClientRequest,
    private readonly source: AsyncIterable<Uint8Array> | undefined,
  ) {}

  /** Whether all of it was handed to the connection. */
  get isSent(): boolean {
    return this.sent;
  }

  /** The receiver wants no more. */
  stop(): void {
    if (this.stopped || this.sent) return;
    this.stopped = true;
    void this.iterator?.return?.().then(undefined, () => undefined);
  }

  /** Resolves when it is sent, stopped, or the connection is gone. @throws what the source throws */
  async send(): Promise<void> {
    this.request.once('close', () => this.stop());
    if (!this.source) {
      this.finish();
      return;
    }
    this.iterator = this.source[Symbol.asyncIterator]();
    try {
      for (;;) {
        const next = await this.iterator.next();
        if (this.stopped) return;
        if (next.done === true) break;
        if (!this.request.write(next.value)) await this.drained();
      }
    } catch (error) {
      // What a source says that was told to stop says nothing.
      if (this.stopped) return;
      throw error;
    }
    this.finish();
  }

  private finish(): void {
    this.sent = true;
    this.request.end();
  }

  private drained(): Promise<void> {
    if (this.request.destroyed) return Promise.resolve();
    return new Promise((resolve) => {
      const go = (): void => {
        this.request.off('drain', go);
        this.request.off('close', go);
        resolve();
      };
      this.request.on('drain', go);
      this.request.on('close', go);
    });
  }
}
