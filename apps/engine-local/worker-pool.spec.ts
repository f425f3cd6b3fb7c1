import { createLogger } from '#telemetry';
import { eventually } from '#testing';
import type { Errand } from './testing/errand.worker.js';
import { WorkerPool, type WorkerPoolOptions } from './worker-pool.js';

const errands = new URL('./testing/errand.worker.js', import.meta.url);
const broken = new URL('./testing/broken.worker.js', import.meta.url);
const logger = createLogger('test', 'silent');
const signal = new AbortController().signal;
const opened: WorkerPool<Errand, string>[] = [];

function poolOf(options: Partial<WorkerPoolOptions> = {}): WorkerPool<Errand, string> {
  const pool = new WorkerPool<Errand, string>({ module: errands, workerData: {}, threads: 1, logger, ...options });
  opened.push(pool);
  return pool;
}

async function startedPool(options: Partial<WorkerPoolOptions> = {}): Promise<WorkerPool<Errand, string>> {
  const pool = poolOf(options);
  await pool.start();
  return pool;
}

function echo(pool: WorkerPool<Errand, string>, text: string): Promise<string> {
  return pool.run({ kind: 'echo', text }, { signal: new AbortController().signal });
}

describe('WorkerPool', () => {
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((pool) => pool.stop()));
  });

  it('does more tasks than it has threads', async () => {
    const pool = await startedPool({ threads: 2 });
    const texts = Array.from({ length: 20 }, (_, i) => String(i));
    await expect(Promise.all(texts.map((text) => echo(pool, text)))).resolves.toEqual(texts);
  });

  it('tells who asked to know when a thread has nothing to do', async () => {
    const pool = await startedPool({ threads: 2 });
    expect([pool.size, pool.idleThreads]).toEqual([2, 2]);
    const more = ['two', 'three'];
    const done: Promise<string>[] = [];
    pool.onFree(() => {
      const text = more.shift();
      if (text !== undefined) done.push(echo(pool, text));
    });
    done.push(echo(pool, 'one'));
    expect(pool.idleThreads).toBe(1);
    await eventually('all to be done', () => done.length === 3, 30_000);
    await expect(Promise.all(done)).resolves.toEqual(['one', 'two', 'three']);
  });

  it('tells who asked to know when it does no more tasks, so that nobody keeps one for it', async () => {
    const pool = await startedPool();
    const waiting = pool.run({ kind: 'wait' }, { signal });
    expect(pool.canBegin).toBe(false);
    const refused: Promise<unknown>[] = [];
    pool.onFree(() => refused.push(echo(pool, 'late').catch((error: unknown) => error)));
    await Promise.all([pool.stop(), expect(waiting).rejects.toMatchObject({ code: 'engine_unavailable' })]);
    expect(pool.canBegin).toBe(true);
    expect(await refused[0]).toMatchObject({ code: 'engine_unavailable' });
  });

  it('does urgent tasks before those that wait longer', async () => {
    const pool = await startedPool();
    const abort = new AbortController();
    const running = pool.run({ kind: 'wait' }, { signal: abort.signal });
    const order: string[] = [];
    const note = (text: string, urgent: boolean) =>
      pool.run({ kind: 'echo', text }, { urgent, signal }).then((said) => order.push(said));
    const all = [note('one', false), note('two', false), note('urgent one', true), note('urgent two', true)];
    abort.abort();
    await expect(running).rejects.toMatchObject({ code: 'cancelled' });
    await Promise.all(all);
    expect(order).toEqual(['urgent one', 'urgent two', 'one', 'two']);
  });

  it('fails a task that may be tried but once when its thread dies, and goes on', async () => {
    const pool = await startedPool({ threads: 1 });
    const failing = pool.run({ kind: 'fail' }, { attempts: 1, signal });
    await expect(failing).rejects.toMatchObject({ code: 'engine_unavailable', cause: { message: 'as told' } });
    await expect(echo(pool, 'alive')).resolves.toBe('alive');
  });

  it('fails a task that kills two threads, and goes on', async () => {
    const pool = await startedPool();
    const deadly = pool.run({ kind: 'die' }, { signal });
    await expect(deadly).rejects.toMatchObject({ code: 'engine_unavailable' });
    await expect(echo(pool, 'alive')).resolves.toBe('alive');
    expect(pool.trouble).toBeUndefined();
  });

  it('fails a task that throws twice, with the cause', async () => {
    const pool = await startedPool();
    const failing = pool.run({ kind: 'fail' }, { signal });
    await expect(failing).rejects.toMatchObject({ code: 'engine_unavailable', cause: { message: 'as told' } });
  });

  it('stops a running task and a waiting one when their signal is aborted', async () => {
    const pool = await startedPool();
    const abort = new AbortController();
    const running = pool.run({ kind: 'wait' }, { signal: abort.signal });
    const waiting = pool.run({ kind: 'echo', text: 'never' }, { signal: abort.signal });
    abort.abort();
    await expect(running).rejects.toMatchObject({ code: 'cancelled' });
    await expect(waiting).rejects.toMatchObject({ code: 'cancelled' });
    await expect(echo(pool, 'free again')).resolves.toBe('free again');
  });

  it('replaces a thread that hangs', async () => {
    const pool = await startedPool({ taskDeadlineMs: 100 });
    const hanging = pool.run({ kind: 'wait' }, { signal });
    await expect(hanging).rejects.toMatchObject({ code: 'engine_unavailable' });
    await expect(echo(pool, 'alive')).resolves.toBe('alive');
  });

  it('fails what is not done when it is stopped', async () => {
    const pool = await startedPool();
    const tasks = Promise.allSettled([pool.run({ kind: 'wait' }, { signal }), echo(pool, 'never')]);
    await pool.stop();
    const unavailable = { status: 'rejected', reason: { code: 'engine_unavailable' } };
    expect(await tasks).toMatchObject([unavailable, unavailable]);
    await expect(echo(pool, 'too late')).rejects.toMatchObject({ code: 'engine_unavailable' });
  });

  it('cannot be started with threads that never become ready', async () => {
    const pool = poolOf({ module: broken });
    await expect(pool.start()).rejects.toMatchObject({ code: 'engine_unavailable' });
  });

  it('says that it is in trouble when no thread can be started any more, and recovers when one can', async () => {
    let module = errands;
    const options: WorkerPoolOptions = {
      get module() {
        return module;
      },
      workerData: {},
      threads: 1,
      logger,
    };
    const pool = new WorkerPool<Errand, string>(options);
    opened.push(pool);
    await pool.start();
    module = broken;
    const deadly = pool.run({ kind: 'die' }, { signal });
    await expect(deadly).rejects.toMatchObject({ code: 'engine_unavailable' });
    const told: unknown[] = [];
    pool.onFree(() => told.push(pool.trouble));
    await eventually('trouble', () => pool.trouble);
    // Whoever keeps tasks until a thread is free would keep them for ever.
    await eventually('word of it', () => told.some((trouble) => trouble !== undefined));
    await expect(echo(pool, 'never')).rejects.toMatchObject({ code: 'engine_unavailable' });
    module = errands;
    await eventually('recovery', () => pool.trouble === undefined);
    await expect(echo(pool, 'alive')).resolves.toBe('alive');
  });
});
