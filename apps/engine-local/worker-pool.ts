import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { PolyscribeError } from '#contracts';
import type { Logger } from '#telemetry';
import type { PoolMessage, ThreadMessage } from './worker-thread.js';

export interface WorkerPoolOptions {
  /** Module that calls `serveTasks`. */
  readonly module: URL;
  readonly workerData: unknown;
  readonly threads: number;
  readonly logger: Logger;
  /** Longest time from start to ready. */
  readonly startDeadlineMs?: number;
  /** Longest time for one task: a thread that takes longer hangs and is replaced. */
  readonly taskDeadlineMs?: number;
  /** Longest time for a thread to come to an end by itself. */
  readonly stopDeadlineMs?: number;
}

export interface TaskOptions {
  /** Before all tasks that are not: for short ones that make more work known. */
  readonly urgent?: boolean;
  /** How many threads may die of it or fail in it before it is at fault itself; 2 by default. */
  readonly attempts?: number;
  readonly signal: AbortSignal;
}

interface PendingTask<Task, Result> {
  readonly task: Task;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: Error) => void;
  readonly urgent: boolean;
  /** How many threads may still fail in it. */
  attempts: number;
  settled: boolean;
}

interface Thread<Task, Result> {
  readonly worker: Worker;
  readonly cancelled: SharedArrayBuffer;
  readonly exited: Promise<void>;
  ready: boolean;
  current: { readonly id: number; readonly pending: PendingTask<Task, Result>; deadline: NodeJS.Timeout } | undefined;
}

/** A task that failed twice is at fault itself. */
const DEFAULT_ATTEMPTS = 2;

const STOPPED = 'The engine was stopped.';

/** Threads that die in a row before one becomes ready: then the pool says that it is unavailable. */
const FAILED_STARTS_UNTIL_UNAVAILABLE = 3;
const RESTART_DELAY_MS = 200;
const MAX_RESTART_DELAY_MS = 30_000;

/**
 * Worker threads that do tasks, one at a time each.
 *
 * A thread that dies or hangs is replaced and its task given to another as often as the task may be tried; then the task
 * fails with `engine_unavailable`. Nothing waits for ever: where no thread can be started, tasks fail at once.
 */
export class WorkerPool<Task, Result> {
  private readonly threads = new Set<Thread<Task, Result>>();
  /** In the order in which they are done. */
  private readonly queue: PendingTask<Task, Result>[] = [];
  private readonly stopped = new AbortController();
  private readonly freeListeners: (() => void)[] = [];
  private lastId = 0;
  private failedStarts = 0;

  constructor(private readonly options: WorkerPoolOptions) {}

  /** Why no task can be done, or undefined when all is well. */
  get trouble(): string | undefined {
    if (this.failedStarts < FAILED_STARTS_UNTIL_UNAVAILABLE) return undefined;
    return 'The inference threads cannot be started; the log says why.';
  }

  /** Why a task that is given now fails at once; undefined when it does not. */
  private get refusal(): string | undefined {
    return this.stopped.signal.aborted ? STOPPED : this.trouble;
  }

  /** How many threads there are to be. */
  get size(): number {
    return this.options.threads;
  }

  /** Threads that would begin with a task at once. */
  get idleThreads(): number {
    return [...this.threads].filter(({ ready, current }) => ready && !current).length;
  }

  /** Whether a task given now waits for nothing: a thread would begin with it, or it would fail at once. */
  get canBegin(): boolean {
    return this.idleThreads > 0 || this.refusal !== undefined;
  }

  /** Calls the listener whenever that has become so, for as long as there is a pool. */
  onFree(listener: () => void): void {
    this.freeListeners.push(listener);
  }

  /** Starts the threads. @throws PolyscribeError `engine_unavailable` when one does not become ready */
  async start(): Promise<void> {
    try {
      await Promise.all(Array.from({ length: this.options.threads }, () => this.spawn()));
    } catch (error) {
      await this.stop();
      throw new PolyscribeError('engine_unavailable', 'The speech models could not be loaded.', { cause: error });
    }
  }

  /** Ends the threads; tasks that are not done fail. */
  async stop(): Promise<void> {
    this.stopped.abort();
    this.failAll(STOPPED);
    this.tellOfFreedom();
    await Promise.all([...this.threads].map((thread) => this.end(thread)));
  }

  /**
   * Asks a thread to end, and only where it does not, ends it: a thread that is ended in the middle of native inference
   * takes the whole process with it (onnxruntime-node throws an error that nobody catches).
   */
  private async end(thread: Thread<Task, Result>): Promise<void> {
    if (thread.current) Atomics.store(new Int32Array(thread.cancelled), 0, thread.current.id);
    send<Task>(thread.worker, { type: 'stop' });
    const deadline = setTimeout(() => void thread.worker.terminate(), this.options.stopDeadlineMs ?? 10_000);
    await thread.exited;
    clearTimeout(deadline);
  }

  /**
   * Does a task on the next free thread.
   *
   * @throws PolyscribeError `engine_unavailable`; `cancelled` as soon as the signal is aborted, while the thread stops at
   *   its next look at the flag
   */
  run(task: Task, { urgent = false, attempts = DEFAULT_ATTEMPTS, signal }: TaskOptions): Promise<Result> {
    return new Promise<Result>((resolve, reject) => {
      if (signal.aborted) {
        reject(cancelledError());
        return;
      }
      if (this.refusal !== undefined) {
        reject(new PolyscribeError('engine_unavailable', this.refusal));
        return;
      }
      const onAbort = () => {
        this.cancel(pending);
      };
      const settle = (action: () => void) => {
        if (pending.settled) return;
        pending.settled = true;
        signal.removeEventListener('abort', onAbort);
        action();
      };
      const pending: PendingTask<Task, Result> = {
        task,
        resolve: (result) => settle(() => resolve(result)),
        reject: (error) => settle(() => reject(error)),
        urgent,
        attempts,
        settled: false,
      };
      signal.addEventListener('abort', onAbort, { once: true });
      const place = urgent ? this.queue.findIndex((other) => !other.urgent) : -1;
      this.queue.splice(place === -1 ? this.queue.length : place, 0, pending);
      this.dispatch();
    });
  }

  private cancel(pending: PendingTask<Task, Result>): void {
    const place = this.queue.indexOf(pending);
    if (place !== -1) this.queue.splice(place, 1);
    for (const { current, cancelled } of this.threads) {
      if (current?.pending === pending) Atomics.store(new Int32Array(cancelled), 0, current.id);
    }
    pending.reject(cancelledError());
  }

  /** Starts a thread; resolves when it is ready, rejects when it dies before. */
  private spawn(): Promise<void> {
    const { module, workerData, startDeadlineMs = 60_000 } = this.options;
    const worker = new Worker(module, { workerData });
    const thread: Thread<Task, Result> = {
      worker,
      exited: new Promise((resolve) => worker.once('exit', () => resolve())),
      cancelled: new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT),
      ready: false,
      current: undefined,
    };
    this.threads.add(thread);
    return new Promise((resolve, reject) => {
      let cause: Error | undefined;
      const deadline = setTimeout(() => void worker.terminate(), startDeadlineMs);
      worker.on('message', (message: ThreadMessage<Result>) => {
        if (message.type === 'ready') {
          clearTimeout(deadline);
          this.failedStarts = 0;
          thread.ready = true;
          resolve();
        } else {
          this.finish(thread, message);
        }
        this.dispatch();
        this.tellOfFreedom();
      });
      worker.on('error', (error: Error) => {
        cause = error;
      });
      worker.once('exit', () => {
        clearTimeout(deadline);
        const error = cause ?? new Error('The thread ended by itself.');
        reject(error);
        this.replace(thread, error);
      });
    });
  }

  private finish(thread: Thread<Task, Result>, message: Exclude<ThreadMessage<Result>, { type: 'ready' }>): void {
    const { current } = thread;
    if (current?.id !== message.id) return;
    clearTimeout(current.deadline);
    thread.current = undefined;
    if (message.type === 'failed') this.retryOrFail(current.pending, message.error);
    else if (message.result === undefined) current.pending.reject(cancelledError());
    else current.pending.resolve(message.result);
  }

  /** A thread is gone or hangs: its task goes to another and a new thread takes its place. */
  private replace(thread: Thread<Task, Result>, error: Error): void {
    if (!this.threads.delete(thread)) return;
    if (thread.current) {
      clearTimeout(thread.current.deadline);
      this.retryOrFail(thread.current.pending, error);
      thread.current = undefined;
    }
    if (this.stopped.signal.aborted) return;
    this.options.logger.error({ err: error }, 'an inference thread ended and is started again');
    if (!thread.ready) this.failedStarts++;
    if (this.trouble !== undefined && ![...this.threads].some(({ ready }) => ready)) this.failAll(this.trouble);
    this.tellOfFreedom();
    void this.respawn();
  }

  private async respawn(): Promise<void> {
    const backoffMs = Math.min(MAX_RESTART_DELAY_MS, RESTART_DELAY_MS * 2 ** this.failedStarts);
    try {
      await delay(backoffMs * (0.5 + Math.random() / 2), undefined, { signal: this.stopped.signal });
    } catch {
      return;
    }
    // A start that fails is replaced like any thread, which logs it and tries again.
    await this.spawn().catch(() => undefined);
  }

  private retryOrFail(pending: PendingTask<Task, Result>, cause: Error): void {
    if (pending.settled) return;
    pending.attempts -= 1;
    if (pending.attempts > 0 && !this.stopped.signal.aborted) this.queue.unshift(pending);
    else pending.reject(new PolyscribeError('engine_unavailable', 'Inference failed on this machine.', { cause }));
    this.dispatch();
  }

  private failAll(message: string): void {
    const running = [...this.threads].flatMap(({ current }) => current?.pending ?? []);
    for (const pending of [...this.queue.splice(0), ...running]) {
      pending.reject(new PolyscribeError('engine_unavailable', message));
    }
  }

  /** After whoever got a result just now has had the chance to give the next task. */
  private tellOfFreedom(): void {
    setImmediate(() => {
      for (const listener of this.freeListeners) if (this.canBegin) listener();
    });
  }

  private dispatch(): void {
    for (const thread of this.threads) {
      if (!thread.ready || thread.current) continue;
      const pending = this.queue.shift();
      if (!pending) return;
      const id = ++this.lastId;
      const hung = () => {
        void this.end(thread);
        this.replace(thread, new Error('The task took too long.'));
      };
      thread.current = { id, pending, deadline: setTimeout(hung, this.options.taskDeadlineMs ?? 120_000) };
      send<Task>(thread.worker, { type: 'task', id, task: pending.task, cancelled: thread.cancelled });
    }
  }
}

function send<Task>(worker: Worker, message: PoolMessage<Task>): void {
  worker.postMessage(message);
}

function cancelledError(): PolyscribeError {
  return new PolyscribeError('cancelled', 'The call was cancelled.');
}
