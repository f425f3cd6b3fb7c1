import { type EndedCall, type EngineEvent, PolyscribeError, WAITING_STAGE } from '#contracts';
import { CallMeter } from './call-meter.js';

describe('CallMeter', () => {
  let nowMs: number;
  let reported: EndedCall[];
  let meter: CallMeter;

  beforeEach(() => {
    nowMs = 1_000;
    reported = [];
    meter = new CallMeter(
      'a',
      (call) => reported.push(call),
      () => nowMs,
    );
  });

  function progress(stage: string): EngineEvent {
    return { type: 'progress', processedMs: 0, stage };
  }

  const segment: EngineEvent = { type: 'segment', segment: { startMs: 0, endMs: 1, text: 'x' } };

  /** Lets that much time pass before each event. */
  function events(...steps: readonly (readonly [number, EngineEvent])[]): void {
    for (const [ms, event] of steps) {
      nowMs += ms;
      meter.event(event);
    }
  }

  it('takes the time to the first progress for the queue, and the rest for work', () => {
    events([200, progress('transcribing')], [500, segment]);
    nowMs += 300;
    meter.done(10_000);
    expect(reported).toEqual([{ instanceId: 'a', audioMs: 10_000, queueMs: 200, workMs: 800, startAgeMs: 1_000 }]);
  });

  it('takes off the time for which the engine was held up, but for that in which it waited anyway', () => {
    events([200, progress('transcribing')], [500, segment]);
    nowMs += 4_000;
    meter.heldUp(4_000);
    events([100, progress(WAITING_STAGE)]);
    nowMs += 50;
    meter.heldUp(50);
    events([150, segment]);
    nowMs += 300;
    meter.done(10_000);
    expect(reported).toMatchObject([{ queueMs: 200, workMs: 900 }]);
  });

  it('does not take an engine that is silent until its result for one that queues', () => {
    events([900, segment]);
    nowMs += 100;
    meter.done(10_000);
    expect(reported).toMatchObject([{ queueMs: 0, workMs: 1_000 }]);
  });

  it('counts the time in which the engine says that it waits as queue, at the start, and as nothing later', () => {
    events([100, progress('waiting')], [400, progress('waiting')], [100, segment]);
    events([200, progress('transcribing')], [100, progress('waiting')], [50, segment]);
    meter.done(10_000);
    expect(reported).toMatchObject([{ queueMs: 500, workMs: 400, startAgeMs: 950 }]);
  });

  it('reports a fault of the engine with a message of bounded length', () => {
    nowMs += 700;
    meter.failed(new PolyscribeError('engine_timeout', 'x'.repeat(5_000)));
    expect(reported).toMatchObject([{ error: { code: 'engine_timeout' }, audioMs: 0, startAgeMs: 700 }]);
    expect(reported[0]?.error?.message).toHaveLength(300);
  });

  it.each(['engine_busy', 'invalid_request', 'unsupported_language', 'cancelled', 'internal'] as const)(
    'reports nothing of %s',
    (code) => {
      meter.failed(new PolyscribeError(code, 'x'));
      expect(reported).toEqual([]);
    },
  );
});
