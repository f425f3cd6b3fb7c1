import { type EngineEvent, PolyscribeError } from '#contracts';
import { over } from '#timing';

/** By the SpeechEngine port an engine stops within 500 ms of the abort; after that its caller no longer waits for it. */
const ABORT_GRACE_MS = 500;

/** The life of one call on the host: what may end it early, and what it was ended for. */
export class EngineCall {
  private readonly controller = new AbortController();
  private readonly timer: NodeJS.Timeout;
  private error: PolyscribeError | undefined;
  private begun = false;

  /** @param caller aborted when the caller cancels or vanishes */
  constructor(
    private readonly caller: AbortSignal,
    deadlineMs: number,
  ) {
    const late = new PolyscribeError('engine_timeout', `The call took longer than ${String(deadlineMs / 1000)} s.`);
    this.timer = setTimeout(() => this.abort(late), deadlineMs);
    caller.addEventListener('abort', this.cancelled);
    if (caller.aborted) this.cancelled();
  }

  /** For the engine: aborted when the call is to end. */
  get signal(): AbortSignal {
    return this.controller.signal;
  }

  /** Whether the engine was asked for events: its slot is then freed when it has let go of the call. */
  get reachedEngine(): boolean {
    return this.begun;
  }

  /** Ends the call; the first error is the one that counts. */
  abort(error: PolyscribeError): void {
    this.error ??= error;
    this.controller.abort();
  }

  /** @throws PolyscribeError what the call was ended for, when that happens before the promise settles */
  orAborted<T>(pending: Promise<T>, graceMs = 0): Promise<T> {
    return new Promise((resolve, reject) => {
      let timer: NodeJS.Timeout | undefined;
      const giveUp = (): void => reject(this.reason());
      const aborted = (): void => {
        timer = setTimeout(giveUp, graceMs);
      };
      const settled = (): void => {
        clearTimeout(timer);
        this.signal.removeEventListener('abort', aborted);
      };
      this.signal.addEventListener('abort', aborted, { once: true });
      if (this.signal.aborted) aborted();
      pending.finally(settled).then(resolve, reject);
    });
  }

  /**
   * The engine's events. Once the call is aborted it throws the reason, whatever the engine throws, at the latest after
   * the grace that the port gives an engine to stop.
   *
   * @param released called once the engine has let go of the call, which may be later when it does not keep to the rules
   */
  async *events(source: AsyncIterable<EngineEvent>, released: () => void): AsyncGenerator<EngineEvent, void> {
    this.begun = true;
    const iterator = source[Symbol.asyncIterator]();
    let isOver = false;
    try {
      for (;;) {
        const result = await this.orAborted(iterator.next(), ABORT_GRACE_MS);
        isOver = result.done === true;
        if (this.signal.aborted) throw this.reason();
        if (result.done) return;
        yield result.value;
      }
    } catch (thrown) {
      throw this.signal.aborted ? this.reason() : thrown;
    } finally {
      this.close();
      void (isOver ? undefined : iterator.return?.())?.then(released, released);
      if (isOver || !iterator.return) released();
    }
  }

  /** Frees what the call holds; aborts the engine if it still works. */
  close(): void {
    clearTimeout(this.timer);
    this.caller.removeEventListener('abort', this.cancelled);
    this.controller.abort(over);
  }

  private reason(): PolyscribeError {
    return this.error ?? new PolyscribeError('cancelled', 'The call was cancelled.');
  }

  private readonly cancelled = (): void => {
    this.abort(new PolyscribeError('cancelled', 'The call was cancelled.'));
  };
}
