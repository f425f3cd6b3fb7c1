import type { ErrorCode } from '#contracts';
import { eventually } from '#testing';
import { engineFor, run, speech } from '../testing/engine-under-test.js';
import { WhisperxFastapiDouble } from '../testing/whisperx-fastapi.double.js';
import type { WhisperxEngine } from '../whisperx-engine.js';

describe('the adapter before whisperX-FastAPI', () => {
  let server: WhisperxFastapiDouble;
  let engine: WhisperxEngine;

  beforeEach(async () => {
    server = await new WhisperxFastapiDouble().start();
    engine = engineFor(server.url);
    await engine.start();
  });

  afterEach(async () => {
    await engine.stop();
    await server.stop();
  });

  it('asks by query and sends the file as WAV', async () => {
    const diarization = { minSpeakers: 2, maxSpeakers: 3 };
    const { segments } = await run(engine, { model: 'small', diarization, phrases: [{ phrase: 'aspirin' }] });
    const seen = server.asked('/speech-to-text')[0];
    expect(Object.fromEntries(seen?.query ?? [])).toEqual({
      model: 'small',
      language: 'en',
      task: 'transcribe',
      beam_size: '5',
      hotwords: 'aspirin',
      min_speakers: '2',
      max_speakers: '3',
    });
    expect(seen?.file?.content.toString('latin1', 0, 4)).toBe('RIFF');
    expect(segments.map(({ speakerTag }) => speakerTag)).toEqual([0, 1, 0]);
  });

  it('needs the language, as the server takes none for English', () => {
    expect(engine.describe().capabilities).toMatchObject({ languageDetection: false, translation: false });
  });

  it.each<[string, ErrorCode]>([
    ['CUDA failed with error out of memory', 'engine_unavailable'],
    ['No default align-model for language: xx', 'unsupported_language'],
    ["Invalid model size 'huge'", 'model_not_found'],
    ["'start'", 'engine_bad_response'],
  ])('reads a task that failed with "%s" as %s', async (words, code) => {
    server.failure = words;
    await expect(run(engine)).rejects.toMatchObject({ code });
  });

  it('takes a task that the server has forgotten for a server that is gone', async () => {
    server.isStuck = true;
    const outcome = run(engine);
    await server.whenAsked('/task/task-1');
    server.forgetTasks();
    await expect(outcome).rejects.toMatchObject({ code: 'engine_unavailable' });
    expect(engine.countHeldPlaces()).toBe(0);
  });

  it('gives up a task that stays in progress for ever, and its place a while later', async () => {
    server.isStuck = true;
    const hasty = engineFor(server.url, { timeoutMs: 500 });
    await hasty.start();
    await expect(run(hasty)).rejects.toMatchObject({ code: 'engine_timeout' });
    expect(hasty.countHeldPlaces()).toBe(1);
    await eventually('the place to be free', () => hasty.countHeldPlaces() === 0);
    await hasty.stop();
  });

  it('keeps its place taken while the server works for a caller who has left', async () => {
    server.isStuck = true;
    const abort = new AbortController();
    const outcome = run(engine, {}, speech, abort.signal);
    await server.whenAsked('/task/task-1');
    abort.abort();
    await expect(outcome).rejects.toMatchObject({ code: 'cancelled' });
    expect(engine.countHeldPlaces()).toBe(1);
    server.isStuck = false;
    await eventually('the place to be free', () => engine.countHeldPlaces() === 0);
  });
});
