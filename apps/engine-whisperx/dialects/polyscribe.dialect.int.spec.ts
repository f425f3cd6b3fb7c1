import type { EngineRequest, ErrorCode } from '#contracts';
import { CountedAudio } from '#engine-testkit';
import { eventually } from '#testing';
import { engineFor, plainRequest, run, speech } from '../testing/engine-under-test.js';
import { PolyscribeDouble } from '../testing/polyscribe.double.js';
import type { WhisperxEngine } from '../whisperx-engine.js';

describe('the adapter before our own server', () => {
  let server: PolyscribeDouble;
  let engine: WhisperxEngine;

  beforeEach(async () => {
    server = await new PolyscribeDouble().start();
    engine = engineFor(server.url, { timeoutMs: 5_000 });
    await engine.start();
  });

  afterEach(async () => {
    await engine.stop();
    await server.stop();
  });

  it('declares the models, languages and abilities that the server tells', async () => {
    expect(engine.describe()).toMatchObject({
      engine: 'whisperx',
      backendUri: server.url,
      health: { state: 'serving', reason: '' },
      capabilities: {
        models: ['large-v3', 'base', 'large-v3-turbo'],
        defaultModel: 'base',
        languages: ['en', 'de', 'jv', 'yue', 'nb', 'fil'],
        diarization: true,
      },
    });
    server.diarization = false;
    await eventually('the loss of diarization', () => !engine.describe().capabilities.diarization);
  });

  const always = { model: 'base', task: 'transcribe', language: 'en', align: true, beam_size: 5, timeout_s: 5 };
  it.each<[string, Partial<EngineRequest>, object]>([
    ['nothing special', {}, always],
    ['a region of a language', { language: 'yue-HK' }, { ...always, language: 'yue' }],
    ['a language that Whisper calls otherwise', { language: 'jv' }, { ...always, language: 'jw' }],
    ['speakers', { diarization: {} }, { ...always, diarize: true }],
    [
      'speakers between bounds',
      { diarization: { minSpeakers: 2, maxSpeakers: 4 } },
      { ...always, diarize: true, min_speakers: 2, max_speakers: 4 },
    ],
    [
      'an exact number of speakers',
      { diarization: { minSpeakers: 3, maxSpeakers: 3 } },
      { ...always, diarize: true, num_speakers: 3 },
    ],
    ['the fast profile', { profile: 'fast' }, { ...always, align: false, beam_size: 1, compute_type: 'int8_float16' }],
    [
      'the precise profile',
      { profile: 'precise' },
      { ...always, model: 'large-v3', beam_size: 10, compute_type: 'float16' },
    ],
    [
      'phrases, the strongest first',
      { phrases: [{ phrase: 'aspirin' }, { phrase: 'ibuprofen', boost: 5 }] },
      { ...always, hotwords: 'ibuprofen, aspirin' },
    ],
    [
      'options of its own',
      { engineOptions: { batch_size: '4', vad_onset: '0.4', suppress_numerals: 'true', beam_size: '2' } },
      { ...always, beam_size: 2, batch_size: 4, suppress_numerals: true, vad: { onset: 0.4 } },
    ],
    ['translation', { task: 'translate' }, { ...always, task: 'translate', align: false }],
    [
      'translation by a model that can',
      { task: 'translate', model: 'large-v3' },
      { ...always, task: 'translate', model: 'large-v3', align: false },
    ],
  ])('asks the server for %s', async (_what, wishes, expected) => {
    await run(engine, wishes);
    expect(server.options).toEqual([expected]);
    expect(server.asked('/v1/transcribe')[0]?.headers['content-type']).toContain('audio/pcm');
  });

  it('leaves the language out where the server is to detect it', async () => {
    await run(engine, { language: 'detect' });
    expect(server.options[0]).not.toHaveProperty('language');
  });

  it('reports progress by stages, and each warning once', async () => {
    const { events, warnings } = await run(engine);
    const progress = events.flatMap((event) => (event.type === 'progress' ? [event] : []));
    expect(progress.map(({ stage }) => stage)).toEqual([
      'waiting',
      'loading',
      'transcribing',
      'transcribing',
      'aligning',
      'finishing',
    ]);
    expect(progress.map(({ processedMs }) => processedMs)).toEqual(
      progress.map(({ processedMs }) => processedMs).toSorted((a, b) => a - b),
    );
    expect(warnings).toEqual([{ code: 'align_partial', message: 'Some words could not be aligned.' }]);
  });

  it.each<[string, ErrorCode]>([
    ['INVALID_REQUEST', 'invalid_request'],
    ['PAYLOAD_TOO_LARGE', 'payload_too_large'],
    ['AUDIO_TOO_LONG', 'payload_too_large'],
    ['AUDIO_DECODE_FAILED', 'engine_bad_response'],
    ['MODEL_NOT_FOUND', 'model_not_found'],
    ['MODEL_GATED', 'model_not_found'],
    ['MODEL_LOAD_FAILED', 'engine_unavailable'],
    ['QUEUE_FULL', 'engine_busy'],
    ['GPU_OOM', 'engine_unavailable'],
    ['WORKER_CRASHED', 'engine_unavailable'],
    ['DRAINING', 'engine_unavailable'],
    ['CANCELLED', 'engine_unavailable'],
    ['TIMEOUT', 'engine_timeout'],
    ['LANGUAGE_UNSUPPORTED', 'unsupported_language'],
    ['DIARIZATION_UNAVAILABLE', 'unsupported_feature'],
    ['INTERNAL', 'engine_bad_response'],
    ['SOMETHING_NEW', 'engine_bad_response'],
  ])('takes %s for %s, at the beginning and at the end', async (code, expected) => {
    server.fault = { refuse: { status: 503, code } };
    await expect(run(engine)).rejects.toMatchObject({ code: expected });
    server.fault = { fail: { code } };
    await expect(run(engine)).rejects.toMatchObject({ code: expected });
  });

  it('passes on which option the server finds wrong', async () => {
    const details = [{ field: 'beam_size', message: 'Input should be less than or equal to 20' }];
    server.fault = { fail: { code: 'INVALID_REQUEST', details } };
    await expect(run(engine)).rejects.toMatchObject({
      code: 'invalid_request',
      message: expect.stringContaining('beam_size: Input should be less than or equal to 20.') as string,
    });
  });

  it('says when a full server may be asked again', async () => {
    server.fault = { refuse: { status: 429, code: 'QUEUE_FULL', retryAfter: '7' } };
    await expect(run(engine)).rejects.toMatchObject({ code: 'engine_busy', retryAfterMs: 7_000 });
    server.fault = { fail: { code: 'QUEUE_FULL', retry_after_s: 9 } };
    await expect(run(engine)).rejects.toMatchObject({ code: 'engine_busy', retryAfterMs: 9_000 });
  });

  it('stops sending audio that the server has refused', async () => {
    server.fault = { refuse: { status: 413, code: 'AUDIO_TOO_LONG' } };
    const audio = new CountedAudio({ pcm: speech, times: 10_000, chunkBytes: 32_000 });
    const events = engine.transcribe(plainRequest, audio, unaborted());
    await expect(events.next()).rejects.toMatchObject({ code: 'payload_too_large' });
    expect(audio.isExhausted).toBe(false);
    await eventually('the audio to be let go of', () => audio.isReleased);
  });

  it.each(['end', 'reset'] as const)(
    'takes an answer that breaks off (%s) for an engine that is gone',
    async (breakOff) => {
      server.fault = { breakOff };
      await expect(run(engine)).rejects.toMatchObject({ code: 'engine_unavailable' });
    },
  );

  it.each(['{"type":"result","result":{}}', '{"type":"result"', '<html>'])(
    'does not believe the answer %s',
    async (result) => {
      server.fault = { result };
      await expect(run(engine)).rejects.toMatchObject({ row: { engineFault: true } });
    },
  );

  it('reads NaN and missing times as unknown', async () => {
    const words = '[{"word":"a","start":0.5,"end":NaN,"score":NaN},{"word":"NaN","start":1.0,"end":1.5,"score":0.5}]';
    const segment = `{"start":0.5,"end":2.0,"text":" a NaN ","words":${words}}`;
    server.fault = { result: `{"type":"result","result":{"language":"en","segments":[${segment}]}}` };
    const { segments } = await run(engine, { wordTimestamps: true });
    expect(segments).toEqual([
      {
        startMs: 500,
        endMs: 2_000,
        text: 'a NaN',
        words: [
          { text: 'a', startMs: 500, endMs: 1_000, interpolated: true },
          { text: 'NaN', startMs: 1_000, endMs: 1_500, confidence: 0.5 },
        ],
      },
    ]);
  });

  it('gives up a server that hangs when the time for a call is over, and tells it to stop', async () => {
    server.fault = { hang: true };
    const hasty = engineFor(server.url, { timeoutMs: 300 });
    await hasty.start();
    await expect(run(hasty)).rejects.toMatchObject({ code: 'engine_timeout' });
    const call = server.asked('/v1/transcribe')[0];
    await eventually('the server to see that its client has left', () => call?.isAbandoned);
    await server.whenAsked(`/v1/jobs/${String(call?.headers['x-request-id'])}`);
    expect(hasty.countHeldPlaces()).toBe(0);
    await hasty.stop();
  });

  it('gives a short file less time at work than a call may take, and does not count its wait in the queue', async () => {
    const brisk = engineFor(server.url, { timeoutMs: 60_000 }, 3_000);
    await brisk.start();
    server.fault = { queueMs: 4_500 };
    await expect(run(brisk, { audioMs: 1 })).resolves.toMatchObject({ summary: { type: 'summary' } });
    server.fault = { hang: true };
    await expect(run(brisk, { audioMs: 1 })).rejects.toMatchObject({ code: 'engine_timeout' });
    await brisk.stop();
  }, 60_000);

  it('closes the connection and cancels the job when the caller cancels', async () => {
    server.fault = { hang: true };
    const abort = new AbortController();
    const outcome = run(engine, {}, speech, abort.signal);
    const call = await server.whenAsked('/v1/transcribe');
    abort.abort();
    await expect(outcome).rejects.toMatchObject({ code: 'cancelled' });
    await expect(eventually('the server to see it', () => call.isAbandoned)).resolves.toBe(true);
    await server.whenAsked(`/v1/jobs/${String(call.headers['x-request-id'])}`);
  });

  it('sends its key, and says when the server does not take it', async () => {
    server.apiKey = 'right';
    const wrong = engineFor(server.url, { apiKey: 'wrong' });
    const right = engineFor(server.url, { apiKey: 'right' });
    await Promise.all([wrong.start(), right.start()]);
    expect(wrong.describe().health).toMatchObject({
      state: 'unavailable',
      reason: expect.stringContaining('WHISPERX_API_KEY') as string,
    });
    expect(JSON.stringify(wrong.describe())).not.toContain('wrong');
    await expect(run(right)).resolves.toMatchObject({ text: expect.stringContaining('alpha') as string });
    await Promise.all([wrong.stop(), right.stop()]);
  });

  it('keeps the words of the server out of what clients see', async () => {
    server.fault = { fail: { code: 'INTERNAL' } };
    await expect(run(engine)).rejects.toThrow(/^(?!.*secret words)/);
  });

  it('tells why the server is not ready', async () => {
    server.notReady = { ready: false, reasons: ['draining'] };
    await eventually('the reason to show', () => engine.describe().health.reason.includes('being stopped'));
    server.notReady = undefined;
    const serves = () => engine.describe().health.state === 'serving';
    await expect(eventually('the server to serve again', serves)).resolves.toBe(true);
  });

  it('refuses options that it does not know, and values that cannot be', async () => {
    await expect(run(engine, { engineOptions: { colour: 'red' } })).rejects.toMatchObject({
      code: 'unsupported_feature',
    });
    await expect(run(engine, { engineOptions: { batch_size: 'many' } })).rejects.toMatchObject({
      code: 'invalid_request',
      message: 'The engine option batch_size must be a whole number from 1 to 1024.',
    });
  });
});

function unaborted(): AbortSignal {
  return new AbortController().signal;
}
