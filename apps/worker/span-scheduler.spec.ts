import { PolyscribeError } from '#contracts';
import { instanceOf } from '../../libs/routing/testing.js';
import { Interruption } from './interruption.js';
import type { SpanWork } from './job-run.js';
import { SpanRunner } from './span-runner.js';
import { type SpanSource, SpanScheduler } from './span-scheduler.js';
import {
  directoryOf,
  FakeEngines,
  FakeRegistry,
  fakeRun,
  quickSettings,
  type Script,
  spanWork,
  summaryEvent,
  unread,
} from './testing/fakes.js';
import type { WorkerSettings } from './worker-settings.js';

const never = new AbortController().signal;

function schedulerWith(
  registry: FakeRegistry,
  scripts: Readonly<Record<string, Script>>,
  changes?: Partial<WorkerSettings>,
) {
  const settings = quickSettings(changes);
  const directory = directoryOf(registry);
  const engines = new FakeEngines(scripts);
  return {
    engines,
    scheduler: new SpanScheduler(new SpanRunner(directory, engines, settings, unread()), directory, settings),
  };
}

/** Gives spans and counts how many were pulled. */
function sourceOf(count: number) {
  const seen = { pulled: 0, closed: false };
  const source: SpanSource = async function* () {
    try {
      for (let index = 0; index < count; index += 1) {
        seen.pulled += 1;
        yield await Promise.resolve(spanWork(index));
      }
    } finally {
      seen.closed = true;
    }
  };
  return { source, seen };
}

/** Ends a call only when as many are in progress as the test wants to see, or no more can come. */
function gate(size: number) {
  let waiting: (() => void)[] = [];
  let left = 0;
  return {
    script: async function* () {
      left += 1;
      await new Promise<void>((resolve) => {
        waiting.push(resolve);
        if (waiting.length < size) return;
        for (const go of waiting) go();
        waiting = [];
      });
      yield summaryEvent();
    } satisfies Script,
    seen: () => left,
  };
}

describe('SpanScheduler', () => {
  it('releases the sound of spans that are done, and of no other', async () => {
    const released: number[] = [];
    const source: SpanSource = async function* () {
      for (const index of [0, 1]) yield await Promise.resolve(spanWork(index, { release: () => released.push(index) }));
    };
    let calls = 0;
    const script: Script = async function* () {
      calls += 1;
      expect(released).toEqual(calls === 1 ? [] : [0]);
      if (calls > 1) throw new PolyscribeError('invalid_request', 'no');
      yield await Promise.resolve(summaryEvent());
    };
    const one = instanceOf('asr', { capabilities: { maxConcurrency: 1 } });
    const { scheduler } = schedulerWith(new FakeRegistry(one), { [one.address]: script });
    await expect(scheduler.run(source, fakeRun(), never)).rejects.toMatchObject({ code: 'invalid_request' });
    expect(released).toEqual([0]);
  });

  it('does nothing where there are no spans', async () => {
    const { scheduler } = schedulerWith(new FakeRegistry(instanceOf('asr')), {});
    await expect(scheduler.run(sourceOf(0).source, fakeRun(), never)).resolves.toEqual([]);
  });

  it('does as many spans at once as the engine has places', async () => {
    const registry = new FakeRegistry(instanceOf('asr', { capabilities: { maxConcurrency: 3 } }));
    const { scheduler, engines } = schedulerWith(registry, { 'asr:1': gate(3).script });
    const results = await scheduler.run(sourceOf(9).source, fakeRun(), never);
    expect(results).toHaveLength(9);
    expect(engines.most).toBe(3);
  });

  it('spreads spans over the instances of one engine', async () => {
    const one = { capabilities: { maxConcurrency: 1 } };
    const registry = new FakeRegistry(instanceOf('asr', { ...one, id: 'a' }), instanceOf('asr', { ...one, id: 'b' }));
    const { script } = gate(2);
    const { scheduler, engines } = schedulerWith(registry, { 'a:1': script, 'b:1': script });
    await scheduler.run(sourceOf(2).source, fakeRun(), never);
    expect(engines.calls.toSorted()).toEqual(['a:1', 'b:1']);
  });

  it('spreads spans over engines of every kind', async () => {
    const one = { capabilities: { maxConcurrency: 1 } };
    const registry = new FakeRegistry(instanceOf('asr', one), instanceOf('local', one));
    const { script } = gate(2);
    const { scheduler, engines } = schedulerWith(registry, { 'asr:1': script, 'local:1': script });
    await scheduler.run(sourceOf(4).source, fakeRun(), never);
    expect(engines.calls.toSorted()).toEqual(['asr:1', 'asr:1', 'local:1', 'local:1']);
  });

  it('holds no more audio in memory than it may, but always one span', async () => {
    const registry = new FakeRegistry(instanceOf('asr', { capabilities: { maxConcurrency: 8 } }));
    const done: Script = () => [summaryEvent()];
    const most = async (heldPcmBytes: number) => {
      const { scheduler, engines } = schedulerWith(registry, { 'asr:1': done }, { heldPcmBytes });
      await scheduler.run(sourceOf(6).source, fakeRun(), never);
      return engines.most;
    };
    await expect(most(2 * 32_000)).resolves.toBe(2);
    await expect(most(1)).resolves.toBe(1);
  });

  it('gives spans to an engine that comes while others work', async () => {
    const one = { capabilities: { maxConcurrency: 1 } };
    const registry = new FakeRegistry(instanceOf('asr', { ...one, id: 'a' }));
    const { script, seen } = gate(2);
    const { scheduler, engines } = schedulerWith(registry, { 'a:1': script, 'b:1': script });
    const result = scheduler.run(sourceOf(2).source, fakeRun(), never);
    while (seen() < 1) await new Promise((resolve) => setImmediate(resolve));
    registry.set(instanceOf('asr', { ...one, id: 'a' }), instanceOf('asr', { ...one, id: 'b' }));
    await result;
    expect(engines.calls).toEqual(['a:1', 'b:1']);
  });

  it('keeps to one engine for the profile precise, although another has places too', async () => {
    const one = { capabilities: { maxConcurrency: 1 } };
    const registry = new FakeRegistry(instanceOf('asr', one), instanceOf('local', one));
    const done: Script = () => [summaryEvent()];
    const { scheduler, engines } = schedulerWith(registry, { 'asr:1': done, 'local:1': done });
    await scheduler.run(sourceOf(4).source, fakeRun({ profile: 'precise' }), never);
    expect(engines.calls).toEqual(['asr:1', 'asr:1', 'asr:1', 'asr:1']);
  });

  it('cuts no further span while there is no place for it', async () => {
    const controller = new AbortController();
    const registry = new FakeRegistry(instanceOf('asr', { capabilities: { maxConcurrency: 2 } }));
    const blocked = gate(99);
    const { scheduler } = schedulerWith(registry, { 'asr:1': blocked.script });
    const { source, seen } = sourceOf(10);
    const result = scheduler.run(source, fakeRun(), controller.signal);
    while (blocked.seen() < 2) await new Promise((resolve) => setImmediate(resolve));
    expect(seen.pulled).toBe(2);
    controller.abort(new Interruption('stop'));
    await expect(result).rejects.toMatchObject({ kind: 'stop' });
  });

  it('ends with the first failure, after the others have stopped and the source is closed', async () => {
    const scripts: Script = (request) =>
      request.requestId.endsWith('-1') ? [new PolyscribeError('unsupported_language', 'no')] : blockedUntilAborted();
    const registry = new FakeRegistry(instanceOf('asr', { capabilities: { maxConcurrency: 3 } }));
    const { scheduler, engines } = schedulerWith(registry, { 'asr:1': scripts });
    const { source, seen } = sourceOf(10);
    await expect(scheduler.run(source, fakeRun(), never)).rejects.toMatchObject({ code: 'unsupported_language' });
    expect(seen.closed).toBe(true);
    expect(engines.calls.length).toBeLessThanOrEqual(3);
  });

  it('leaves room for the work of others when it is broken off while a span is being written down', async () => {
    const controller = new AbortController();
    const registry = new FakeRegistry(instanceOf('asr', { capabilities: { maxConcurrency: 1 } }));
    const { scheduler } = schedulerWith(registry, { 'asr:1': () => [summaryEvent()] });
    const run = fakeRun();
    let isWritten = false;
    const commitSpan = async () => {
      controller.abort(new Interruption('cancel'));
      // As a database answers: by way of the event loop.
      await new Promise((resolve) => setTimeout(resolve, 20));
      isWritten = true;
    };
    const ledger = Object.create(run.ledger, { commitSpan: { value: commitSpan } }) as typeof run.ledger;
    const result = scheduler.run(sourceOf(10).source, { ...run, ledger }, controller.signal);
    await expect(result).rejects.toMatchObject({ kind: 'cancel' });
    expect(isWritten).toBe(true);
  });

  it('throws what the source threw', async () => {
    const { scheduler } = schedulerWith(new FakeRegistry(instanceOf('asr')), { 'asr:1': () => [summaryEvent()] });
    const source = async function* (): AsyncGenerator<SpanWork> {
      yield await Promise.resolve(spanWork(0));
      throw new PolyscribeError('unsupported_media', 'damaged');
    };
    await expect(scheduler.run(source, fakeRun(), never)).rejects.toMatchObject({ code: 'unsupported_media' });
  });
});

async function* blockedUntilAborted(): AsyncGenerator<never> {
  await new Promise<never>(() => undefined);
  yield* [];
}
