/** What a worker pool sends to its threads. `stop` ends the thread after the task that it is at. */
export type PoolMessage<Task> = TaskMessage<Task> | { readonly type: 'stop' };

export interface TaskMessage<Task> {
  readonly type: 'task';
  /** From 1. */
  readonly id: number;
  readonly task: Task;
  /** One Int32: the id of the task that is to stop. Shared, since a thread at work reads no messages. */
  readonly cancelled: SharedArrayBuffer;
}

/** What a thread answers. */
export type ThreadMessage<Result> =
  | { readonly type: 'ready' }
  /** `result` is undefined when the task was cancelled. */
  | { readonly type: 'done'; readonly id: number; readonly result: Result | undefined }
  | { readonly type: 'failed'; readonly id: number; readonly error: Error };

/** The thread's end of the line; `parentPort` is one. */
export interface TaskPort<Task> {
  on(event: 'message', listener: (message: PoolMessage<Task>) => void): unknown;
  postMessage(message: unknown): void;
  close(): void;
}

/** The thread's side of a worker pool: says that it is ready and does one task after another. */
export function serveTasks<Task, Result>(
  port: TaskPort<Task>,
  work: (task: Task, cancelled: () => boolean) => Promise<Result | undefined>,
): void {
  const answer = (message: ThreadMessage<Result>) => port.postMessage(message);
  const serve = async ({ id, task, cancelled }: TaskMessage<Task>) => {
    const flag = new Int32Array(cancelled);
    try {
      answer({ type: 'done', id, result: await work(task, () => Atomics.load(flag, 0) === id) });
    } catch (error) {
      answer({ type: 'failed', id, error: error instanceof Error ? error : new Error(String(error)) });
    }
  };
  let current = Promise.resolve();
  port.on('message', (message) => {
    if (message.type === 'task') current = serve(message);
    else void current.finally(() => port.close());
  });
  answer({ type: 'ready' });
}
