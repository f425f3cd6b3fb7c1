import type { EngineSegment } from '#contracts';
import { silence } from '#engine-testkit';
import { type FaultAction, type FaultMoment, type RivaError, type RivaScript, rivaErrors } from '#riva-simulator';
import { longSpeech } from './testing/long-speech.js';
import {
  type SimulatedRiva,
  type SimulatedRivaOptions,
  inChunks,
  simulatedRiva,
  transcribed,
} from './testing/simulated-riva.js';

const quick = { firstRetryMs: 10, mostRetryMs: 50 };

describe('streams of the Riva adapter', () => {
  let undisturbed: readonly EngineSegment[];
  let running: SimulatedRiva | undefined;

  async function start(script: RivaScript, options: SimulatedRivaOptions = {}): Promise<SimulatedRiva> {
    running = await simulatedRiva(script, { timing: quick, ...options });
    return running;
  }

  beforeAll(async () => {
    const riva = await simulatedRiva();
    undisturbed = (await transcribed(riva.engine, longSpeech.pcm, { wordTimestamps: true })).segments;
    await riva.stop();
  });

  afterEach(async () => {
    await running?.stop();
    running = undefined;
  });

  it('give every sentence once, with its time', () => {
    expect(undisturbed.map(({ text }) => text)).toEqual(longSpeech.texts);
  });

  const errorOf = (error: RivaError): FaultAction => ({ kind: 'error', error });
  const midway: FaultMoment = { at: 'finals', count: 4 };
  it.each<[string, FaultMoment, FaultAction]>([
    ['is reset after some finals', midway, { kind: 'reset' }],
    ['is reset in the middle of a sentence', { at: 'audio', ms: 5_700 }, { kind: 'reset' }],
    ['is refused at first', { at: 'start' }, { kind: 'reset', http2Code: 7 }],
    ['loses its connection', { at: 'audio', ms: 7_300 }, { kind: 'disconnect' }],
    ['is forgotten by the inference server', midway, errorOf(rivaErrors.startFlag)],
    ['meets a failed inference', midway, errorOf(rivaErrors.inference)],
    ['loses the inference server', midway, errorOf(rivaErrors.inferenceConnection)],
    ['finds no free slot', { at: 'start' }, errorOf(rivaErrors.noFreeSlot)],
    ['meets a limit of the rate', { at: 'start' }, errorOf(rivaErrors.rateLimited)],
    ['meets a proxy whose server starts', { at: 'start' }, { kind: 'http_status', status: 503 }],
    ['meets a server that starts', { at: 'start' }, errorOf(rivaErrors.socketClosed)],
    ['breaks when all was sent', { at: 'before_answer' }, errorOf(rivaErrors.rstStream)],
  ])('lose no word and give none twice where a stream %s', async (_what, when, does) => {
    const { engine, simulator } = await start({ faults: [{ calls: [1], when, does }] });
    const { segments, summary } = await transcribed(engine, longSpeech.pcm, { wordTimestamps: true });
    expect(segments).toEqual(undisturbed);
    expect(summary?.audioMs).toBe(longSpeech.durationMs);
    expect(simulator.seen.of('StreamingRecognize').length).toBeGreaterThanOrEqual(2);
  });

  it('send again only what was not settled', async () => {
    const { engine, simulator } = await start({ faults: [{ calls: [1], when: midway, does: { kind: 'reset' } }] });
    await transcribed(engine, longSpeech.pcm);
    const [, again] = simulator.seen.of('StreamingRecognize');
    const settledBytes = (undisturbed[3]?.endMs ?? 0) * 32;
    expect(again?.audioBytes).toBe(longSpeech.pcm.length - settledBytes);
  });

  it('go on as long as finals come between the breaks, however many there are', async () => {
    const when: FaultMoment = { at: 'finals', count: 1 };
    const calls = Array.from({ length: 11 }, (_, index) => index + 1);
    const { engine, simulator } = await start({ faults: [{ calls, when, does: errorOf(rivaErrors.rstStream) }] });
    const { segments } = await transcribed(engine, longSpeech.pcm, { wordTimestamps: true });
    expect(segments).toEqual(undisturbed);
    expect(simulator.seen.of('StreamingRecognize')).toHaveLength(12);
  });

  it('lose nothing where consumed audio is far ahead of the text', async () => {
    const faults = [{ calls: [1], when: midway, does: { kind: 'reset' } as const }];
    const { engine } = await start({ stream: { stepMs: 3_000 }, faults });
    const { texts } = await transcribed(engine, longSpeech.pcm);
    expect(texts).toEqual(longSpeech.texts);
  });

  it('keep text that never became final', async () => {
    const { engine } = await start({ stream: { finals: 'all_but_last' } });
    const { segments } = await transcribed(engine, longSpeech.pcm, { wordTimestamps: true });
    expect(segments.map(({ text }) => text)).toEqual(longSpeech.texts);
    const last = segments.at(-1);
    expect(last?.startMs).toBe(segments.at(-2)?.endMs);
    expect(last?.endMs).toBeLessThanOrEqual(longSpeech.durationMs);
    expect(last?.words?.every(({ interpolated }) => interpolated)).toBe(true);
  });

  it('keep the text of a server that never sends a final, also where a stream breaks', async () => {
    const faults = [{ calls: [1], when: { at: 'audio', ms: 9_000 }, does: { kind: 'reset' } }] as const;
    const { engine } = await start({ stream: { finals: 'never' }, faults });
    const { segments } = await transcribed(engine, longSpeech.pcm);
    expect(segments).toHaveLength(1);
    expect(segments[0]?.text.toLowerCase().replaceAll('.', '')).toBe(
      longSpeech.texts.join(' ').toLowerCase().replaceAll('.', ''),
    );
  });

  it('send partial results where they are asked for', async () => {
    const { engine } = await start({ stream: { interims: 'head_and_tail' } });
    const { events } = await transcribed(engine, longSpeech.pcm, { partialResults: true });
    const partials = events.flatMap((event) => (event.type === 'partial' ? [event.text] : []));
    expect(partials.length).toBeGreaterThan(longSpeech.texts.length);
    expect(partials.every((text) => text === text.trim() && text !== '')).toBe(true);
  });

  describe('whose audio pauses', () => {
    /** Speech with a pause in the middle of it, in the time of the clock and not of the audio. */
    async function* halting(isOver: () => boolean): AsyncGenerator<Uint8Array, void> {
      const middle = Math.floor(longSpeech.pcm.length / 4) * 2;
      yield* inChunks(longSpeech.pcm.subarray(0, middle));
      while (!isOver()) await new Promise((resolve) => setTimeout(resolve, 10));
      yield* inChunks(longSpeech.pcm.subarray(middle));
    }

    it('are kept alive with silence that moves no word', async () => {
      const { engine, simulator } = await start({ idleMs: 2_000 }, { timing: { ...quick, keepAliveMs: 100 } });
      const calls = simulator.seen;
      const begun = Date.now();
      const audio = halting(() => Date.now() - begun > 3_000);
      const { segments, summary } = await transcribed(engine, audio, { wordTimestamps: true });
      expect(segments.map(({ text }) => text)).toEqual(longSpeech.texts);
      expect(calls.of('StreamingRecognize')).toHaveLength(1);
      expect(summary?.audioMs).toBe(longSpeech.durationMs);
      const off = segments.map(({ startMs }, index) => Math.abs(startMs - (undisturbed[index]?.startMs ?? 0)));
      expect(Math.max(...off)).toBeLessThanOrEqual(100);
      expect(calls.of('StreamingRecognize')[0]?.audioBytes).toBeGreaterThan(longSpeech.pcm.length);
    });

    it('begin anew where they were forgotten all the same', async () => {
      const { engine, simulator } = await start({ idleMs: 200 });
      const begun = Date.now();
      const audio = halting(() => Date.now() - begun > 1_500);
      const { segments } = await transcribed(engine, audio, { wordTimestamps: true });
      expect(segments).toEqual(undisturbed);
      expect(simulator.seen.of('StreamingRecognize').length).toBeGreaterThanOrEqual(2);
    });
  });

  describe('to a server that stops answering', () => {
    it('are given up after RIVA_TIMEOUT and tried once more', async () => {
      const stall = { when: midway, does: { kind: 'stall' } } as const;
      const { engine } = await start({ faults: [{ calls: [1], ...stall }] }, { env: { RIVA_TIMEOUT: '1' } });
      const { segments } = await transcribed(engine, longSpeech.pcm, { wordTimestamps: true });
      expect(segments).toEqual(undisturbed);
    });

    it('end as engine_timeout where it stays so', async () => {
      const faults = [{ when: { at: 'start' }, does: { kind: 'stall' } }] as const;
      const { engine, simulator } = await start({ faults }, { env: { RIVA_TIMEOUT: '1' } });
      await expect(transcribed(engine, longSpeech.pcm)).rejects.toMatchObject({ code: 'engine_timeout' });
      expect(simulator.seen.of('StreamingRecognize')).toHaveLength(2);
    });

    it('do not count the time in which no audio comes', async () => {
      const { engine } = await start({}, { env: { RIVA_TIMEOUT: '1' } });
      const begun = Date.now();
      async function* late(): AsyncGenerator<Uint8Array, void> {
        yield silence(200);
        while (Date.now() - begun < 2_500) await new Promise((resolve) => setTimeout(resolve, 10));
        yield* inChunks(longSpeech.pcm);
      }
      const { texts } = await transcribed(engine, late());
      expect(texts).toEqual(longSpeech.texts);
    });
  });
});
