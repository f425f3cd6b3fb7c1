import { PolyscribeError } from '#contracts';
import { detokenize } from './detokenize.js';
import type { InferenceResult, InferenceTask, RecognitionResult, RecognitionStop } from './inference-task.js';
import type { LocalModel } from './model-files.js';
import { type QueuedUtterance, UtteranceQueue } from './utterance-queue.js';
import type { WorkerPool } from './worker-pool.js';

/** The threads, as those see them who have tasks for them. */
export type InferencePool = Pick<
  WorkerPool<InferenceTask, InferenceResult>,
  'run' | 'size' | 'idleThreads' | 'canBegin' | 'onFree'
>;

/** What is said in an utterance. */
export interface Recognized {
  readonly text: string;
  readonly stop: RecognitionStop;
}

/** Sound that is to be recognised. */
export interface UtteranceSound {
  /** In samples. */
  readonly length: number;
  /** Samples in -1..1; asked for when a thread is there for it, once more where that thread failed. */
  read(): Float32Array;
}

/** What recognition is to one call of the engine. */
export interface RecognitionCall {
  readonly model: LocalModel;
  /**
   * Utterances that were found together may go together. Each is rejected for itself.
   *
   * @throws PolyscribeError `engine_unavailable`; `cancelled` when the call has left
   */
  recognize(sounds: readonly UtteranceSound[]): Promise<Recognized>[];
  /** No more utterances will come. */
  end(): void;
  /** Nobody waits for its utterances any more. */
  leave(): void;
}

interface Caller {
  readonly model: LocalModel;
  /** Whether a thread has had an utterance of it. */
  hasBegun: boolean;
  /** Whether no more will come. */
  hasEnded: boolean;
}

interface Row extends QueuedUtterance {
  readonly caller: Caller;
  readonly sound: UtteranceSound;
  readonly resolve: (recognized: Recognized) => void;
  readonly reject: (error: unknown) => void;
  failures: number;
}

interface Batch {
  readonly rows: readonly Row[];
  readonly abort: AbortController;
}

/** An utterance that failed twice, the second time alone, is at fault itself. */
const MAX_FAILURES = 2;

/**
 * The utterances of all calls on their way through the inference threads. They wait in one place until a thread has nothing
 * to do, so that batches grow with the load, whichever call it comes from.
 *
 * Where a batch fails its utterances are tried again, each alone: a recording that kills a thread fails without its company.
 */
export class Recognition {
  private readonly queue = new UtteranceQueue<Row>();
  /** Rows of batches that failed. */
  private readonly again: Row[] = [];
  private readonly batches = new Set<Batch>();
  private readonly callers = new Set<Caller>();

  constructor(private readonly pool: InferencePool) {
    pool.onFree(() => this.submit());
  }

  /** A call begins; whoever asks says when it is over. */
  join(model: LocalModel): RecognitionCall {
    const caller: Caller = { model, hasBegun: false, hasEnded: false };
    this.callers.add(caller);
    return {
      model,
      recognize: (sounds) => {
        const recognized = sounds.map((sound) => this.wait(caller, sound));
        this.submit();
        return recognized;
      },
      end: () => {
        caller.hasEnded = true;
      },
      leave: () => this.leave(caller),
    };
  }

  private wait(caller: Caller, sound: UtteranceSound): Promise<Recognized> {
    if (!this.callers.has(caller)) return Promise.reject(cancelledError());
    return new Promise((resolve, reject) => {
      const { model } = caller;
      this.queue.push(caller, { caller, sound, model, length: sound.length, resolve, reject, failures: 0 });
    });
  }

  private leave(caller: Caller): void {
    this.callers.delete(caller);
    const running = [...this.batches].flatMap(({ rows }) => rows);
    for (const row of [...this.queue.remove(caller), ...this.again, ...running]) {
      if (row.caller === caller) row.reject(cancelledError());
    }
    for (const { rows, abort } of this.batches) {
      if (rows.every((row) => !this.callers.has(row.caller))) abort.abort();
    }
  }

  /**
   * Gives idle threads what waits. The first words of whoever comes to an engine without work go alone and before all looking
   * for speech: others gain nothing by company that is still to be found.
   */
  private submit(): void {
    for (let isEarly = this.isEarly; isEarly || this.pool.canBegin; isEarly = this.isEarly) {
      const rows = isEarly ? this.queue.take(Infinity) : this.next();
      const [first] = rows;
      if (!first) return;
      void this.recognize({ model: first.model, rows, urgent: isEarly });
    }
  }

  private get isEarly(): boolean {
    return this.queue.first !== undefined && ![...this.callers].some(({ hasBegun }) => hasBegun);
  }

  /** Towards the end of all calls batches shrink, so that the threads end together. */
  private next(): Row[] {
    for (let row = this.again.shift(); row; row = this.again.shift()) if (this.callers.has(row.caller)) return [row];
    const isEnding = [...this.callers].every(({ hasEnded }) => hasEnded);
    return this.queue.take(isEnding ? this.pool.size : this.pool.idleThreads);
  }

  private async recognize({ model, rows, urgent }: { model: LocalModel; rows: Row[]; urgent: boolean }): Promise<void> {
    const batch: Batch = { rows, abort: new AbortController() };
    this.batches.add(batch);
    for (const { caller } of rows) caller.hasBegun = true;
    try {
      const utterances = rows.map(({ sound }) => sound.read());
      const task = { kind: 'recognition', model, utterances } as const;
      const result = await this.pool.run(task, { urgent, attempts: 1, signal: batch.abort.signal });
      if (result.kind !== 'recognition') throw new Error('An inference thread mixed up its tasks.');
      resolveAll(rows, result);
    } catch (error) {
      for (const row of rows) this.retryOrFail(row, error);
    }
    this.batches.delete(batch);
    this.submit();
  }

  private retryOrFail(row: Row, error: unknown): void {
    row.failures += 1;
    if (row.failures < MAX_FAILURES && this.callers.has(row.caller)) this.again.push(row);
    else row.reject(error);
  }
}

function resolveAll(rows: readonly Row[], result: RecognitionResult): void {
  rows.forEach(({ resolve }, index) => {
    const row = result.rows[index];
    // Silence is an answer; none is not, and would pass for silence.
    if (!row) throw new Error('An inference thread left out an utterance.');
    resolve({ text: detokenize(row.tokens), stop: row.stop });
  });
}

function cancelledError(): PolyscribeError {
  return new PolyscribeError('cancelled', 'The call was cancelled.');
}
