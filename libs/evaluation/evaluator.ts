import { Worker } from 'node:worker_threads';
import { PolyscribeError } from '#contracts';
import { cellsOf, evaluate, type EvaluationAnswer, type EvaluationTask } from './evaluation-task.js';

/** A few milliseconds of work; a thread takes longer to start. */
const HERE_CELLS = 250_000;

export interface EvaluatorLimits {
  /** Tasks in threads at once. */
  readonly threads: number;
  /** Tasks that wait for a thread. */
  readonly waiting: number;
  /** Longest time in a thread. */
  readonly deadlineMs: number;
  /** Product of the texts' lengths in words. */
  readonly cells: number;
}

/** Compares texts without holding up the event loop: long ones in a thread of their own. */
export class Evaluator {
  private running = 0;
  private readonly queue: (() => void)[] = [];

  constructor(private readonly limits: EvaluatorLimits) {}

  /**
   * @throws PolyscribeError `payload_too_large` for texts beyond the limit, `rate_limited` when too many wait,
   *   `dependency_unavailable` when it took too long
   * @throws the signal's reason when it is aborted
   */
  async run<T extends EvaluationTask>(task: T, signal: AbortSignal): Promise<EvaluationAnswer<T>> {
    signal.throwIfAborted();
    const cells = cellsOf(task);
    if (cells > this.limits.cells) {
      const message = 'The texts are too long to be compared. Send them in shorter parts.';
      throw new PolyscribeError('payload_too_large', message);
    }
    if (cells <= HERE_CELLS) return evaluate(task) as EvaluationAnswer<T>;
    await this.place(signal);
    try {
      return (await this.inThread(task, signal)) as EvaluationAnswer<T>;
    } finally {
      // A place that somebody waits for is handed over, so that nobody else takes it in between.
      const next = this.queue.shift();
      if (next) next();
      else this.running--;
    }
  }

  /** Takes a place for a thread, after waiting for it where need be. */
  private async place(signal: AbortSignal): Promise<void> {
    if (this.running < this.limits.threads) {
      this.running++;
      return;
    }
    if (this.queue.length >= this.limits.waiting) {
      throw new PolyscribeError('rate_limited', 'Too many texts are being compared. Try again in a moment.', {
        retryAfterMs: 2_000,
      });
    }
    await this.turn(signal);
  }

  private async turn(signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const onAbort = () => {
        this.queue.splice(this.queue.indexOf(onTurn), 1);
        reject(reasonOf(signal));
      };
      const onTurn = () => {
        signal.removeEventListener('abort', onAbort);
        resolve();
      };
      this.queue.push(onTurn);
      signal.addEventListener('abort', onAbort, { once: true });
    });
  }

  private async inThread(task: EvaluationTask, signal: AbortSignal): Promise<unknown> {
    const thread = new Worker(new URL('./evaluation-thread.js', import.meta.url), {
      workerData: task,
      resourceLimits: { maxOldGenerationSizeMb: 512 },
    });
    let timer: NodeJS.Timeout | undefined;
    let onAbort = (): void => undefined;
    try {
      return await new Promise((resolve, reject) => {
        onAbort = () => reject(reasonOf(signal));
        signal.addEventListener('abort', onAbort, { once: true });
        timer = setTimeout(() => reject(tooSlow()), this.limits.deadlineMs);
        thread.once('message', resolve);
        thread.once('error', reject);
        thread.once('exit', () => reject(new PolyscribeError('internal', 'A comparison ended without an answer.')));
      });
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      await thread.terminate();
    }
  }
}

function reasonOf(signal: AbortSignal): Error {
  return signal.reason instanceof Error ? signal.reason : new Error('aborted');
}

function tooSlow(): PolyscribeError {
  return new PolyscribeError('dependency_unavailable', 'The texts could not be compared in time. Try again later.', {
    retryAfterMs: 10_000,
  });
}
