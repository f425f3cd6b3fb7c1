import { jest } from '@jest/globals';
import { planSpans } from '#audio';
import type { EngineEvent, EngineRequest, EngineSegment } from '#contracts';
import { CountedAudio, speechEngineContract } from '#engine-testkit';
import { wordErrorRate } from '#evaluation';
import { createLogger } from '#telemetry';
import { LocalEngine } from './local-engine.js';
import type { LocalModel } from './model-files.js';
import { generated, noise, sample } from './testing/test-audio.js';

const logger = createLogger('test', 'silent');
const dialogue = await sample('clinic-dialogue');
const BYTES_PER_SECOND = 32_000;

// Generous: inference shares the cores with all other tests.
jest.setTimeout(120_000);

function makeEngine(): LocalEngine {
  return new LocalEngine({ model: 'base', logger, threads: 2 });
}

speechEngineContract('LocalEngine', makeEngine, {
  speech: dialogue.pcm.subarray(0, 11 * BYTES_PER_SECOND),
  expected: /what brings you to the clinic today.*bad cough/i,
  language: 'en',
});

describe('LocalEngine', () => {
  const engine = makeEngine();

  beforeAll(() => engine.start());
  afterAll(() => engine.stop());

  function events(
    audio: AsyncIterable<Uint8Array>,
    wishes: Partial<EngineRequest> = {},
    signal = new AbortController().signal,
  ): AsyncGenerator<EngineEvent> {
    const plain = { task: 'transcribe', wordTimestamps: false, phrases: [], partialResults: false } as const;
    return engine.transcribe(
      { requestId: 'test', profile: 'balanced', engineOptions: {}, onUnsupported: 'refuse', ...plain, ...wishes },
      audio,
      signal,
    );
  }

  async function outcome(pcm: Buffer, wishes: Partial<EngineRequest> = {}) {
    const segments: EngineSegment[] = [];
    const warnings: string[] = [];
    let model = '';
    for await (const event of events(new CountedAudio({ pcm }), wishes)) {
      if (event.type === 'segment') segments.push(event.segment);
      if (event.type === 'warning') warnings.push(event.warning.code);
      if (event.type === 'summary') model = event.model;
    }
    return { segments, warnings, model, text: segments.map(({ text }) => text).join(' ') };
  }

  it.each<[LocalModel, number]>([
    ['base', 0.08],
    ['tiny', 0.15],
  ])('writes down a dialogue with few wrong words (%s)', async (model, limit) => {
    const { text, model: used } = await outcome(dialogue.pcm, { model });
    expect(used).toBe(model);
    expect(wordErrorRate(dialogue.text, text).wer).toBeLessThanOrEqual(limit);
  });

  const random = noise();
  it.each<[string, Buffer]>([
    ['white noise', generated(20, () => 0.5 * random())],
    ['the hum of the mains', generated(20, (t) => 0.3 * Math.sin(2 * Math.PI * 50 * t))],
    ['a steady tone', generated(10, (t) => 0.5 * Math.sin(2 * Math.PI * 440 * t))],
    ['a single sample', Buffer.from([1, 2])],
    ['half a sample', Buffer.from([1])],
  ])('finds no words in %s', async (_name, pcm) => {
    await expect(outcome(pcm)).resolves.toMatchObject({ segments: [], warnings: [] });
  });

  it('finds speech where it is, between minutes of silence', async () => {
    const silence = Buffer.alloc(200 * BYTES_PER_SECOND);
    const speech = dialogue.pcm.subarray(0, 5 * BYTES_PER_SECOND);
    const { segments } = await outcome(Buffer.concat([silence, speech, silence]));
    expect(segments.map(({ text }) => text).join(' ')).toMatch(/^Good morning/);
    for (const { startMs, endMs } of segments) {
      expect(startMs).toBeGreaterThanOrEqual(200_000);
      expect(endMs).toBeLessThanOrEqual(205_000);
    }
  });

  it('gives the first words long before it has read to the end', async () => {
    const audio = new CountedAudio({ pcm: dialogue.pcm, times: 20 });
    for await (const event of events(audio)) if (event.type === 'segment') break;
    expect(audio.pulls).toBeLessThan(1_600);
  });

  it('gives what has been said when a live source pauses', async () => {
    const audio = new CountedAudio({ pcm: dialogue.pcm.subarray(0, 5 * BYTES_PER_SECOND), end: 'hang' });
    const texts: string[] = [];
    for await (const event of events(audio)) {
      if (event.type === 'segment') texts.push(event.segment.text);
      if (texts.length > 0) break;
    }
    expect(texts.join(' ')).toMatch(/^Good morning/);
  });

  it('stops in the middle of its work when it is aborted', async () => {
    const abort = new AbortController();
    const audio = new CountedAudio({ pcm: dialogue.pcm, times: 100 });
    const run = async () => {
      for await (const event of events(audio, {}, abort.signal)) if (event.type === 'segment') abort.abort();
    };
    await expect(run()).rejects.toMatchObject({ code: 'cancelled' });
    expect(audio.isReleased).toBe(true);
    expect(audio.isExhausted).toBe(false);
  });

  it('takes the small model for the fast profile, unless a model is named', async () => {
    const pcm = Buffer.alloc(BYTES_PER_SECOND);
    await expect(outcome(pcm, { profile: 'fast' })).resolves.toMatchObject({ model: 'tiny' });
    await expect(outcome(pcm, { profile: 'fast', model: 'base' })).resolves.toMatchObject({ model: 'base' });
  });

  it('warns that phrases have no effect, also where the request refuses what is unsupported', async () => {
    const { warnings } = await outcome(Buffer.alloc(BYTES_PER_SECOND), { phrases: [{ phrase: 'penicillin' }] });
    expect(warnings).toEqual(['unsupported_feature']);
  });

  it('gives a recording that is cut in its pauses the very segments of the whole', async () => {
    // Begins late, so that the whole has heard much before the first cut.
    const pcm = (await sample('long-read')).pcm.subarray(80 * BYTES_PER_SECOND, 200 * BYTES_PER_SECOND);
    const whole = await outcome(pcm, { model: 'tiny' });
    const source = async function* () {
      yield await Promise.resolve(pcm);
    };
    const joined: EngineSegment[] = [];
    let spans = 0;
    const lengths = { targetMs: 40_000, minMs: 25_000, maxMs: 55_000, shortestTailMs: 10_000 };
    for await (const { startMs, leadMs, pcm: piece } of planSpans(source(), lengths)) {
      spans += 1;
      expect(leadMs).toBe(0);
      const { segments } = await outcome(piece, { model: 'tiny' });
      for (const segment of segments) {
        joined.push({ ...segment, startMs: segment.startMs + startMs, endMs: segment.endMs + startMs });
      }
    }
    expect(spans).toBe(3);
    expect(joined).toEqual(whole.segments);
  });

  it('shares its threads between calls', async () => {
    const pcm = dialogue.pcm.subarray(0, 20 * BYTES_PER_SECOND);
    const alone = await outcome(pcm);
    const together = await Promise.all([outcome(pcm), outcome(pcm), outcome(pcm)]);
    expect(together.map(({ text }) => text)).toEqual([alone.text, alone.text, alone.text]);
  });
});
