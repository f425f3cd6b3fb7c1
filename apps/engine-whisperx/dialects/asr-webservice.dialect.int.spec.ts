import type { EngineRequest } from '#contracts';
import { eventually } from '#testing';
import { AsrWebserviceDouble } from '../testing/asr-webservice.double.js';
import { engineFor, run, speech } from '../testing/engine-under-test.js';

describe('the adapter before whisper-asr-webservice', () => {
  const server = new AsrWebserviceDouble();
  const engine = () => engineFor(server.url, { dialect: 'asr-webservice', defaultModel: 'medium' });
  const running = { engine: undefined as ReturnType<typeof engine> | undefined };

  beforeAll(() => server.start());
  afterAll(() => server.stop());
  beforeEach(async () => {
    server.isUnloaded = server.writesNaN = server.isWorking = false;
    server.seen.length = 0;
    running.engine = engine();
    await running.engine.start();
  });
  afterEach(() => running.engine?.stop());

  const started = () => running.engine ?? engine();
  const query = () => Object.fromEntries(server.asked('/asr').at(-1)?.query ?? []);

  it.each<[string, Partial<EngineRequest>, Record<string, string>, string[]]>([
    ['nothing special', {}, {}, []],
    ['phrases, which make this server fail', { phrases: [{ phrase: 'aspirin' }] }, {}, ['unsupported_feature']],
    ['speakers', { diarization: {} }, { diarize: 'true' }, []],
    [
      'an exact number of speakers, in the one place where the server reads it',
      { diarization: { minSpeakers: 2, maxSpeakers: 2 } },
      { diarize: 'true', min_speakers: '2' },
      [],
    ],
    [
      'bounds, which the server would mix up',
      { diarization: { minSpeakers: 2, maxSpeakers: 4 } },
      { diarize: 'true' },
      ['speaker_bounds_ignored'],
    ],
    ['only an upper bound', { diarization: { maxSpeakers: 4 } }, { diarize: 'true' }, ['speaker_bounds_ignored']],
  ])('sends %s', async (_what, wishes, expected, codes) => {
    const { warnings } = await run(started(), wishes);
    expect(query()).toEqual({ output: 'json', encode: 'false', task: 'transcribe', language: 'en', ...expected });
    expect(warnings.map(({ code }) => code)).toEqual(codes);
  });

  it('sends bare samples and no header that would be taken for sound', async () => {
    await run(started());
    expect(server.asked('/asr')[0]?.file?.content.equals(speech)).toBe(true);
  });

  it('names the one model that the operator says is there', async () => {
    expect(started().describe().capabilities).toMatchObject({ models: ['medium'], defaultModel: 'medium' });
    await expect(run(started(), { model: 'large-v3' })).rejects.toMatchObject({ code: 'model_not_found' });
  });

  it('declares only languages that the server can align words of, since it fails with others', () => {
    expect(started().describe().capabilities.languages).toContain('de');
    expect(started().describe().capabilities.languages).not.toContain('th');
  });

  it('gives no times to the words of a translation, which would mean nothing', async () => {
    const { segments, warnings } = await run(started(), { task: 'translate', wordTimestamps: true });
    expect(segments.every(({ words }) => words === undefined)).toBe(true);
    expect(warnings.map(({ code }) => code)).toEqual(['no_words']);
  });

  it('reads an answer with NaN in it', async () => {
    server.writesNaN = true;
    const { segments } = await run(started(), { wordTimestamps: true });
    expect(segments[0]?.words?.[0]).toEqual({ text: 'alpha', startMs: 400, endMs: 700 });
  });

  it('takes the bare 500, which stands for anything, for a bad response', async () => {
    server.isUnloaded = true;
    await expect(run(started())).rejects.toMatchObject({ code: 'engine_bad_response' });
  });

  it('keeps its place taken, and asks nothing, while the server works for a caller who has left', async () => {
    server.isWorking = true;
    const abort = new AbortController();
    const outcome = run(started(), {}, speech, abort.signal);
    await eventually('the server to be at work', () => server.running === 1);
    abort.abort();
    await expect(outcome).rejects.toMatchObject({ code: 'cancelled' });
    expect(started().countHeldPlaces()).toBe(1);
    expect(server.asked('/asr')[0]?.isAbandoned).toBe(false);
    server.isWorking = false;
    await eventually('the place to be free again', () => started().countHeldPlaces() === 0);
    await expect(run(started())).resolves.toMatchObject({ text: expect.stringContaining('papa') as string });
  });

  it('frees its place when the server does not end either', async () => {
    server.isWorking = true;
    const hasty = engineFor(server.url, { timeoutMs: 300 });
    await hasty.start();
    await expect(run(hasty)).rejects.toMatchObject({ code: 'engine_timeout' });
    expect(hasty.countHeldPlaces()).toBe(1);
    await eventually('the place to be free again', () => hasty.countHeldPlaces() === 0);
    server.isWorking = false;
    await hasty.stop();
  });
});

describe.each([
  ['faster_whisper', { vad_filter: 'true', initial_prompt: 'aspirin' }],
  ['openai_whisper', { initial_prompt: 'aspirin' }],
] as const)('the adapter before whisper-asr-webservice with %s', (inside, expected) => {
  it('uses what this engine has: prompts and words, and no speakers', async () => {
    const server = await new AsrWebserviceDouble({ engine: inside }).start();
    const engine = engineFor(server.url);
    await engine.start();
    const { segments } = await run(engine, { phrases: [{ phrase: 'aspirin' }], wordTimestamps: true });
    expect(Object.fromEntries(server.asked('/asr')[0]?.query ?? [])).toMatchObject({
      word_timestamps: 'true',
      ...expected,
    });
    expect(segments[0]?.words?.[0]).toMatchObject({ text: 'alpha', confidence: 0.9 });
    expect(engine.describe().capabilities).toMatchObject({ diarization: false, phraseBoosting: true });
    await engine.stop();
    await server.stop();
  });
});
