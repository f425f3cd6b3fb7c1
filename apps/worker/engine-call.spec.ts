import { setTimeout as delay } from 'node:timers/promises';
import { type EngineEvent, type EngineRequest, PolyscribeError } from '#contracts';
import { instanceOf } from '../../libs/routing/testing.js';
import { callEngine, type EngineCaller } from './engine-call.js';
import { segmentEvent, summaryEvent } from './testing/fakes.js';

const request: EngineRequest = {
  requestId: 'call',
  task: 'transcribe',
  wordTimestamps: false,
  phrases: [],
  profile: 'balanced',
  engineOptions: {},
  partialResults: false,
  onUnsupported: 'refuse',
};

/** What is measured of a call. */
describe('callEngine', () => {
  let measured: unknown[];
  let heldUpMs: number[];
  let stop: AbortController;

  beforeEach(() => {
    measured = [];
    heldUpMs = [];
    stop = new AbortController();
  });

  /** An engine that hears all of the audio and then does these steps. */
  function engine(...steps: readonly (EngineEvent | Error | (() => void))[]): EngineCaller {
    return {
      async *transcribe(_address, _request, audio) {
        let bytes = 0;
        for await (const chunk of audio) bytes += chunk.length;
        for (const step of bytes > 0 ? steps : []) {
          if (step instanceof Error) throw step;
          if (typeof step === 'function') step();
          else yield step;
        }
      },
      measure: (instance) => ({
        event: ({ type }) => measured.push(type),
        heldUp: (ms) => heldUpMs.push(ms),
        done: (audioMs) => measured.push([instance, audioMs]),
        failed: ({ code }) => measured.push([instance, code]),
      }),
    };
  }

  async function call(caller: EngineCaller, deadlineMs = 60_000, onEvent = () => Promise.resolve()): Promise<unknown> {
    const instance = instanceOf('local');
    async function* audio(): AsyncGenerator<Uint8Array> {
      yield await Promise.resolve(Buffer.alloc(64_000));
    }
    const ended = callEngine(caller, {
      ...{ instance, request, audio, deadlineMs, signal: stop.signal },
      onEvent,
    });
    return ended.catch((error: unknown) => error);
  }

  it('measures a call that succeeds by the audio that the engine read', async () => {
    await call(engine(segmentEvent(0, 1, 'x'), summaryEvent()));
    expect(measured).toEqual(['segment', 'summary', ['local', 2_000]]);
  });

  it('measures a failure of the engine by its code', async () => {
    await call(engine(segmentEvent(0, 1, 'x'), new PolyscribeError('engine_unavailable', 'gone')));
    await call(engine(segmentEvent(0, 1, 'x')));
    expect(measured).toEqual([
      ...['segment', ['local', 'engine_unavailable']],
      ...['segment', ['local', 'engine_bad_response']],
    ]);
  });

  it('tells how long the engine had to wait for each of its events to be dealt with', async () => {
    const slow = async (): Promise<void> => {
      const startMs = performance.now();
      while (performance.now() - startMs < 5) await new Promise((resolve) => setImmediate(resolve));
    };
    await call(engine(segmentEvent(0, 1, 'x'), segmentEvent(1, 2, 'y'), summaryEvent()), 60_000, slow);
    expect(measured.at(-1)).toEqual(['local', 2_000]);
    expect(heldUpMs.map((ms) => ms >= 5)).toEqual([true, true]);
  });

  it('counts an engine that does not answer in time', async () => {
    const never: EngineCaller = {
      ...engine(),
      async *transcribe(_address, _request, _audio, signal) {
        await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
        yield summaryEvent();
      },
    };
    await call(never, 10);
    expect(measured).toEqual([['local', 'engine_timeout']]);
  });

  it('is not over while no audio comes for the engine to hear, however late that is', async () => {
    async function* late(): AsyncGenerator<Uint8Array> {
      yield Buffer.alloc(64_000);
      await delay(100);
      yield Buffer.alloc(64_000);
    }
    const instance = instanceOf('local');
    const onEvent = () => Promise.resolve();
    await callEngine(engine(summaryEvent()), {
      ...{ instance, request, audio: late, deadlineMs: 10, signal: stop.signal, onEvent },
    });
    expect(measured).toEqual(['summary', ['local', 4_000]]);
  });

  it('measures nothing of a call that was broken off from here', async () => {
    const breakOff = (): void => stop.abort();
    await call(engine(breakOff, new PolyscribeError('engine_unavailable', 'gone')));
    expect(measured).toEqual([]);
  });
});
