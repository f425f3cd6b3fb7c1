import { setTimeout as delay } from 'node:timers/promises';
import { type ErrorCode, PolyscribeError, unmeasured } from '#contracts';
import { scriptedSpeech } from '#engine-testkit';
import { instanceOf } from '../../libs/routing/testing.js';
import { Interruption } from './interruption.js';
import { SpanRunner } from './span-runner.js';
import {
  directoryOf,
  FakeEngines,
  FakeRegistry,
  fakeRun,
  quickSettings,
  type Script,
  segmentEvent,
  spanWork,
  summaryEvent,
  unread,
} from './testing/fakes.js';
import type { WorkerSettings } from './worker-settings.js';

const never = new AbortController().signal;
const fine: Script = () => [segmentEvent(0, 500, 'one'), segmentEvent(500, 1000, 'two'), summaryEvent()];

function failing(code: ErrorCode): Script {
  return () => [segmentEvent(0, 500, 'draft'), new PolyscribeError(code, `said ${code}.`)];
}

/** Gives the scripts one after another, the last one for ever. */
function inTurn(...scripts: readonly Script[]): Script {
  let turn = 0;
  return (request, signal) => {
    const script = scripts[Math.min(turn, scripts.length - 1)] ?? fine;
    turn += 1;
    return script(request, signal);
  };
}

function runnerWith(
  registry: FakeRegistry,
  scripts: Readonly<Record<string, Script>>,
  changes?: Partial<WorkerSettings>,
) {
  const engines = new FakeEngines(scripts);
  return { engines, runner: new SpanRunner(directoryOf(registry), engines, quickSettings(changes), unread()) };
}

const asrAndLocal = () => new FakeRegistry(instanceOf('asr'), instanceOf('local'));

describe('SpanRunner', () => {
  it('commits what the engine said, in the time of the transcript', async () => {
    const { runner } = runnerWith(asrAndLocal(), { 'asr:1': fine });
    const run = fakeRun();
    const result = await runner.run(spanWork(2), run, never);
    expect(result).toMatchObject({ index: 2, engine: 'asr', instance: 'asr', language: 'en', endMs: 3000 });
    expect(run.ledger.committed.get(2)?.segments).toEqual([
      { id: '2-0', span: 2, startMs: 2000, endMs: 2500, text: 'one' },
      { id: '2-1', span: 2, startMs: 2500, endMs: 3000, text: 'two' },
    ]);
    expect(run.published.map(({ type }) => type)).toEqual(['delta', 'delta']);
    expect(run.engine).toBe('asr');
  });

  it('takes silence for a result', async () => {
    const { runner } = runnerWith(asrAndLocal(), { 'asr:1': () => [summaryEvent()] });
    const run = fakeRun();
    await runner.run(spanWork(), run, never);
    expect(run.ledger.committed.get(0)?.segments).toEqual([]);
  });

  describe('where somebody speaks and the engine gives no text', () => {
    const speech = scriptedSpeech([['alpha', 'bravo', 'charlie', 'delta', 'echo']]);
    const spoken = () =>
      spanWork(0, {
        async *audio() {
          yield await Promise.resolve(speech);
        },
      });
    const empty: Script = () => [summaryEvent()];
    const warning = { code: 'empty_text', message: 'asr gave no text for a part in which somebody seems to speak.' };

    it('takes the text of another engine, and says so', async () => {
      const { runner, engines } = runnerWith(asrAndLocal(), { 'asr:1': empty, 'local:1': fine });
      const run = fakeRun();
      const result = await runner.run(spoken(), run, never);
      expect(engines.calls).toEqual(['asr:1', 'local:1']);
      expect(result).toMatchObject({ engine: 'local', warnings: [warning] });
      expect(result.fallbackReason).toContain('local stood in for asr, which gave no text');
      expect(run.ledger.committed.get(0)?.segments).toHaveLength(2);
      expect(run.ledger.failed).toEqual([]);
    });

    it.each([
      ['gives none either', empty],
      ['fails', failing('engine_bad_response')],
    ])('keeps the empty text with a warning where the other one %s', async (_how, second) => {
      const { runner, engines } = runnerWith(asrAndLocal(), { 'asr:1': empty, 'local:1': second });
      const run = fakeRun();
      const result = await runner.run(spoken(), run, never);
      expect(engines.calls).toEqual(['asr:1', 'local:1']);
      expect(result).toMatchObject({ engine: 'asr', warnings: [warning] });
      expect(run.ledger.committed.get(0)?.segments).toEqual([]);
      const lastVoid = run.published.findLastIndex(({ type }) => type === 'void');
      expect(run.published.slice(lastVoid + 1)).toEqual([]);
    });

    it('asks no other engine than the one that was named, and keeps the warning', async () => {
      const { runner, engines } = runnerWith(asrAndLocal(), { 'asr:1': empty });
      const result = await runner.run(spoken(), fakeRun({ engine: 'asr', allowFallback: false }), never);
      expect(engines.calls).toEqual(['asr:1']);
      expect(result).toMatchObject({ engine: 'asr', warnings: [warning] });
    });
  });

  describe('with hedging', () => {
    const measured = (engine: 'asr' | 'local') => ({
      ...instanceOf(engine),
      stats: { ...unmeasured, calls: 50, realTimeFactor: 0.01, p95Ms: 20 },
    });
    const both = () => new FakeRegistry(measured('asr'), measured('local'));
    const drafts: Script = async function* (request, signal) {
      yield segmentEvent(0, 500, 'draft');
      yield* hanging(request, signal);
    };

    it('takes the answer of a second engine where the first is slow, tells of no other, and blames nobody', async () => {
      const { runner, engines } = runnerWith(both(), { 'asr:1': drafts, 'local:1': fine }, { hedge: true });
      const run = fakeRun();
      const result = await runner.run(spanWork(), run, never);
      expect(engines.calls).toEqual(['asr:1', 'local:1']);
      expect(engines.inProgress).toBe(0);
      expect(result).toMatchObject({ engine: 'local', fallbackReason: expect.stringContaining('longer') as string });
      expect(run.published.map(({ type }) => type)).toEqual(['delta', 'void', 'delta', 'delta']);
      expect(run.ledger.failed).toEqual([]);
      expect(run.ledger.committed.size).toBe(1);
    });

    it('takes the second answer where the first call fails meanwhile, and writes that down', async () => {
      const failsLate: Script = async function* () {
        yield segmentEvent(0, 500, 'draft');
        await delay(1_300);
        throw new PolyscribeError('engine_unavailable', 'gone.');
      };
      const later: Script = async function* () {
        await delay(900);
        yield segmentEvent(0, 500, 'one');
        yield summaryEvent();
      };
      const { runner } = runnerWith(both(), { 'asr:1': failsLate, 'local:1': later }, { hedge: true });
      const run = fakeRun();
      const result = await runner.run(spanWork(), run, never);
      expect(result.fallbackReason).toBe('local stood in for asr, which failed with engine_unavailable: gone.');
      expect(run.published.map(({ type }) => type)).toEqual(['delta', 'void', 'delta']);
      expect(run.ledger.failed).toEqual([
        { engine: 'asr', instance: 'asr', code: 'engine_unavailable', message: 'gone.' },
      ]);
    });

    it('asks neither of the two again where both are to blame', async () => {
      const bad: Script = async function* () {
        await delay(1_300);
        yield* [];
        throw new PolyscribeError('engine_bad_response', 'garbage.');
      };
      const { runner, engines } = runnerWith(both(), { 'asr:1': bad, 'local:1': bad }, { hedge: true });
      const run = fakeRun();
      await expect(runner.run(spanWork(), run, never)).rejects.toMatchObject({ code: 'engine_bad_response' });
      expect(engines.calls).toEqual(['asr:1', 'local:1']);
      expect(run.ledger.failed.map(({ engine }) => engine)).toEqual(['local', 'asr']);
    });

    it('asks nobody else where the first is quick, nothing is measured, or it is off', async () => {
      const quick = runnerWith(both(), { 'asr:1': fine }, { hedge: true });
      await quick.runner.run(spanWork(), fakeRun(), never);
      expect(quick.engines.calls).toEqual(['asr:1']);
      const slow: Script = async function* () {
        await delay(1_300);
        yield summaryEvent();
      };
      for (const [registry, hedge] of [
        [asrAndLocal(), true],
        [both(), false],
      ] as const) {
        const { runner, engines } = runnerWith(registry, { 'asr:1': slow, 'local:1': fine }, { hedge });
        await runner.run(spanWork(), fakeRun(), never);
        expect(engines.calls).toEqual(['asr:1']);
      }
    });
  });

  it('keeps times within the span', async () => {
    const { runner } = runnerWith(asrAndLocal(), { 'asr:1': () => [segmentEvent(-50, 5000, 'x'), summaryEvent()] });
    const run = fakeRun();
    await runner.run(spanWork(1), run, never);
    expect(run.ledger.committed.get(1)?.segments[0]).toMatchObject({ startMs: 1000, endMs: 2000 });
  });

  it.each(['engine_bad_response', 'engine_timeout', 'engine_unavailable'] as const)(
    'goes to another engine after %s, says so and voids what was told',
    async (code) => {
      const { runner, engines } = runnerWith(asrAndLocal(), { 'asr:1': failing(code), 'local:1': fine });
      const run = fakeRun();
      const result = await runner.run(spanWork(), run, never);
      expect(engines.calls).toEqual(['asr:1', 'local:1']);
      expect(run.published.map(({ type }) => type)).toEqual(['delta', 'void', 'delta', 'delta']);
      expect(run.ledger.failed).toEqual([{ engine: 'asr', instance: 'asr', code, message: `said ${code}.` }]);
      expect(result.fallbackReason).toBe(`local stood in for asr, which failed with ${code}: said ${code}.`);
    },
  );

  it('waits for the only other engine after a bad response while that is full', async () => {
    const scripts = { 'asr:1': failing('engine_bad_response'), 'local:1': inTurn(failing('engine_busy'), fine) };
    const { runner, engines } = runnerWith(asrAndLocal(), scripts);
    await expect(runner.run(spanWork(), fakeRun(), never)).resolves.toMatchObject({ engine: 'local' });
    expect(engines.calls).toEqual(['asr:1', 'local:1', 'local:1']);
  });

  it('gives up after the second engine to blame', async () => {
    const scripts = { 'asr:1': failing('engine_timeout'), 'local:1': failing('engine_bad_response') };
    const { runner, engines } = runnerWith(asrAndLocal(), scripts);
    await expect(runner.run(spanWork(), fakeRun(), never)).rejects.toMatchObject({ code: 'engine_bad_response' });
    expect(engines.calls).toHaveLength(2);
  });

  it('does not use another engine than the one named without fallback', async () => {
    const { runner, engines } = runnerWith(asrAndLocal(), { 'asr:1': failing('engine_bad_response') });
    const run = fakeRun({ engine: 'asr', allowFallback: false });
    await expect(runner.run(spanWork(), run, never)).rejects.toMatchObject({ code: 'engine_bad_response' });
    expect(engines.calls).toEqual(['asr:1']);
    expect(run.ledger.failed).toHaveLength(1);
  });

  it('asks an unavailable engine again after a pause where there is no other', async () => {
    const { runner, engines } = runnerWith(new FakeRegistry(instanceOf('asr')), {
      'asr:1': inTurn(failing('engine_unavailable'), failing('engine_unavailable'), fine),
    });
    const result = await runner.run(spanWork(), fakeRun(), never);
    expect(engines.calls).toHaveLength(3);
    expect(result.fallbackReason).toBeUndefined();
  });

  it('stops asking an unavailable engine at the limit', async () => {
    const { runner, engines } = runnerWith(new FakeRegistry(instanceOf('asr')), {
      'asr:1': failing('engine_unavailable'),
    });
    await expect(runner.run(spanWork(), fakeRun(), never)).rejects.toMatchObject({ code: 'engine_unavailable' });
    expect(engines.calls).toHaveLength(4);
  });

  it('goes round a busy engine without blaming it', async () => {
    const { runner } = runnerWith(asrAndLocal(), { 'asr:1': failing('engine_busy'), 'local:1': fine });
    const run = fakeRun();
    const result = await runner.run(spanWork(), run, never);
    expect(run.ledger.failed).toEqual([]);
    expect(result).toMatchObject({ engine: 'local' });
    expect(result.fallbackReason).toBeUndefined();
  });

  it('waits for a busy engine until it has waited long enough', async () => {
    const { runner, engines } = runnerWith(new FakeRegistry(instanceOf('asr')), { 'asr:1': failing('engine_busy') });
    await expect(runner.run(spanWork(), fakeRun(), never)).rejects.toMatchObject({ code: 'engine_busy' });
    expect(engines.calls.length).toBeGreaterThan(2);
  });

  it.each(['unsupported_language', 'invalid_request', 'internal'] as const)('ends at once with %s', async (code) => {
    const { runner, engines } = runnerWith(asrAndLocal(), { 'asr:1': failing(code) });
    await expect(runner.run(spanWork(), fakeRun(), never)).rejects.toMatchObject({ code });
    expect(engines.calls).toHaveLength(1);
  });

  it('waits for an engine to come', async () => {
    const registry = new FakeRegistry();
    const { runner } = runnerWith(registry, { 'local:1': fine });
    const result = runner.run(spanWork(), fakeRun(), never);
    registry.set(instanceOf('local'));
    await expect(result).resolves.toMatchObject({ engine: 'local' });
  });

  it('says no_engine when none came', async () => {
    const { runner } = runnerWith(new FakeRegistry(), {});
    const error: unknown = await runner.run(spanWork(), fakeRun(), never).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: 'no_engine',
      message: expect.stringContaining('None is registered') as string,
    });
  });

  it('says engine_busy when a place was never free', async () => {
    const { runner, engines } = runnerWith(
      new FakeRegistry(instanceOf('asr', { inFlight: 2 })),
      {},
      { fullProbeMs: 60_000, engineWaitMs: 30 },
    );
    await expect(runner.run(spanWork(), fakeRun(), never)).rejects.toMatchObject({ code: 'engine_busy' });
    expect(engines.calls).toEqual([]);
  });

  it('says why nobody could ever serve', async () => {
    const { runner } = runnerWith(asrAndLocal(), {});
    const run = fakeRun({ language: 'de' });
    await expect(runner.run(spanWork(), run, never)).rejects.toMatchObject({ code: 'unsupported_language' });
  });

  it('asks an instance that others fill once the figure is old', async () => {
    const { runner, engines } = runnerWith(new FakeRegistry(instanceOf('asr', { inFlight: 2 })), { 'asr:1': fine });
    await runner.run(spanWork(), fakeRun(), never);
    expect(engines.calls).toEqual(['asr:1']);
  });

  it('stays with the engine that serves the job while that is only full', async () => {
    const registry = new FakeRegistry(instanceOf('asr', { inFlight: 2 }), instanceOf('local'));
    const { runner, engines } = runnerWith(
      registry,
      { 'asr:1': fine, 'local:1': fine },
      { fullProbeMs: 10_000, sameEngineWaitMs: 10_000 },
    );
    const run = { ...fakeRun({ profile: 'precise' }), engine: 'asr' as const };
    const result = runner.run(spanWork(), run, never);
    registry.set(instanceOf('asr'), instanceOf('local'));
    await result;
    expect(engines.calls).toEqual(['asr:1']);
  });

  it('goes to any engine with a place where kinds may be mixed', async () => {
    const registry = new FakeRegistry(instanceOf('asr', { inFlight: 2 }), instanceOf('local'));
    const { runner, engines } = runnerWith(registry, { 'asr:1': fine, 'local:1': fine });
    await runner.run(spanWork(), { ...fakeRun(), engine: 'asr' }, never);
    expect(engines.calls).toEqual(['local:1']);
  });

  it('does not wait long where no known engine takes a piece of that length', async () => {
    const registry = new FakeRegistry(instanceOf('asr', { capabilities: { maxAudioMs: 500 } }));
    const { runner } = runnerWith(registry, {}, { engineWaitMs: 600_000, hopelessWaitMs: 20 });
    await expect(runner.run(spanWork(), fakeRun(), never)).rejects.toMatchObject({ code: 'payload_too_large' });
  });

  it('takes the end of a call without a summary for a bad response', async () => {
    const { runner } = runnerWith(new FakeRegistry(instanceOf('asr')), { 'asr:1': () => [segmentEvent(0, 1, 'x')] });
    await expect(runner.run(spanWork(), fakeRun(), never)).rejects.toMatchObject({ code: 'engine_bad_response' });
  });

  it('takes a flood of segments for a bad response', async () => {
    const flood = Array.from({ length: 10_000 }, () => segmentEvent(0, 1, 'x'));
    const { runner } = runnerWith(new FakeRegistry(instanceOf('asr')), { 'asr:1': () => [...flood, summaryEvent()] });
    await expect(runner.run(spanWork(), fakeRun(), never)).rejects.toMatchObject({ code: 'engine_bad_response' });
  });

  it('ends a call that takes too long with engine_timeout and lets the engine know', async () => {
    const { runner, engines } = runnerWith(
      new FakeRegistry(instanceOf('asr')),
      { 'asr:1': hanging },
      { callBaseMs: 20, callMsPerAudioMs: 0 },
    );
    await expect(runner.run(spanWork(), fakeRun(), never)).rejects.toMatchObject({ code: 'engine_timeout' });
    expect(engines.inProgress).toBe(0);
  });

  it('does not count the time in which the engine waits for its turn', async () => {
    const patient: Script = async function* () {
      yield { type: 'progress', processedMs: 0, stage: 'waiting' };
      await delay(1_500);
      yield { type: 'progress', processedMs: 0, stage: 'transcribing' };
      yield summaryEvent();
    };
    const { runner } = runnerWith(
      new FakeRegistry(instanceOf('asr')),
      { 'asr:1': patient },
      { callBaseMs: 1_000, callMsPerAudioMs: 0 },
    );
    await expect(runner.run(spanWork(), fakeRun(), never)).resolves.toMatchObject({ engine: 'asr' });
  });

  it('stops with the reason of the signal', async () => {
    const { runner, engines } = runnerWith(new FakeRegistry(instanceOf('asr')), { 'asr:1': hanging });
    const controller = new AbortController();
    const run = fakeRun();
    const result = runner.run(spanWork(), run, controller.signal);
    const cancel = new Interruption('cancel');
    controller.abort(cancel);
    await expect(result).rejects.toBe(cancel);
    expect(run.ledger.committed.size + run.ledger.failed.length).toBe(0);
    while (engines.inProgress > 0) await new Promise((resolve) => setImmediate(resolve));
  });

  it('throws what reading the audio threw and blames nobody', async () => {
    const { runner } = runnerWith(asrAndLocal(), { 'asr:1': fine });
    const run = fakeRun();
    const broken = new PolyscribeError('unsupported_media', 'The file is damaged.');
    const audio = async function* () {
      await Promise.resolve();
      throw broken;
    };
    await expect(runner.run(spanWork(0, { audio }), run, never)).rejects.toBe(broken);
    expect(run.ledger.failed).toEqual([]);
  });

  it('voids a span that an earlier worker had begun', async () => {
    const { runner } = runnerWith(asrAndLocal(), { 'asr:1': fine });
    const run = fakeRun();
    await runner.run(spanWork(0, { begun: true }), run, never);
    expect(run.published[0]).toEqual({ type: 'void', data: { span: 0 } });
  });

  it('asks for partial text only where the engine has it, and passes on two a second', async () => {
    const partials = Array.from({ length: 50 }, () => ({ type: 'partial' as const, text: 'p', startMs: 100 }));
    const registry = new FakeRegistry(instanceOf('asr', { capabilities: { partialResults: true } }));
    const { runner, engines } = runnerWith(registry, { 'asr:1': () => [...partials, summaryEvent()] });
    const run = fakeRun();
    await runner.run(spanWork(1), run, never);
    expect(engines.requests[0]?.partialResults).toBe(true);
    expect(run.published[0]).toEqual({ type: 'partial', data: { span: 1, text: 'p', t0: 1.1 } });
    expect(run.published.length).toBeLessThan(10);
  });

  it('passes on phrases, the way to write, and the options of the engine that serves', async () => {
    const { runner, engines } = runnerWith(new FakeRegistry(instanceOf('asr')), { 'asr:1': fine });
    const phrases = [{ phrase: 'amoxicillin', boost: 3 }];
    const how = { profanityFilter: true, verbatim: false, punctuation: false };
    const engineOptions = { asr: { a: '1' }, whisperx: { b: '2' } };
    const run = fakeRun({ ...how, context: { id: 'c', phrases }, engineOptions, onUnsupported: 'warn' });
    await runner.run(spanWork(), run, never);
    expect(engines.requests).toMatchObject([{ ...how, phrases, engineOptions: { a: '1' } }]);
  });
});

/** Says nothing until the call is broken off. */
async function* hanging(_request: unknown, signal: AbortSignal): AsyncGenerator<never> {
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
  throw signal.reason;
  yield* [];
}
