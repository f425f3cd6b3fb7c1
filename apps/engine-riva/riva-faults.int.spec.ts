import { type ErrorCode, type PolyscribeError, msToPcmBytes } from '#contracts';
import { scriptedSpeech } from '#engine-testkit';
import { type RivaError, type RivaScript, messageTooLarge, rivaErrors, unavailableModel } from '#riva-simulator';
import { longSpeech } from './testing/long-speech.js';
import { type SimulatedRiva, type SimulatedRivaOptions, simulatedRiva, transcribed } from './testing/simulated-riva.js';

const quick = { firstRetryMs: 5, mostRetryMs: 20 };
const english = unavailableModel({ language: 'en-US', sampleRateHz: 16_000, type: 'offline' });
const files: RivaScript = { models: [{ name: 'files', type: 'offline', languages: ['en-US'] }] };

describe('what Riva refuses', () => {
  let running: SimulatedRiva | undefined;

  async function start(script: RivaScript, options: SimulatedRivaOptions = {}): Promise<SimulatedRiva> {
    running = await simulatedRiva(script, { timing: quick, ...options });
    return running;
  }

  afterEach(async () => {
    await running?.stop();
    running = undefined;
  });

  const rows: readonly (readonly [string, RivaError, ErrorCode, tries: number])[] = [
    ['a header mismatch', rivaErrors.headerMismatch, 'engine_bad_response', 1],
    ['a forgotten stream', rivaErrors.startFlag, 'engine_unavailable', 4],
    ['a bad request', rivaErrors.onlyMono, 'invalid_request', 1],
    ['a stream closed early', rivaErrors.noConfig, 'engine_bad_response', 1],
    ['no speech recognition', rivaErrors.methodNotFound, 'engine_bad_response', 1],
    ['a message that is too large', messageTooLarge(5e6, 4e6), 'payload_too_large', 1],
    ['no free slot', rivaErrors.noFreeSlot, 'engine_busy', 6],
    ['a limit of the rate', rivaErrors.rateLimited, 'engine_busy', 6],
    ['nobody there', rivaErrors.socketClosed, 'engine_unavailable', 8],
    ['a reset', rivaErrors.rstStream, 'engine_unavailable', 4],
    ['a failed inference', rivaErrors.inference, 'engine_bad_response', 3],
    ['a lost inference server', rivaErrors.inferenceConnection, 'engine_bad_response', 3],
    ['a late answer', rivaErrors.deadlineExceeded, 'engine_timeout', 2],
    ['a wrong key', rivaErrors.unauthenticated, 'engine_unavailable', 1],
    ['a missing right', rivaErrors.permissionDenied, 'engine_unavailable', 1],
    ['a missing function', rivaErrors.functionNotFound, 'engine_unavailable', 1],
  ];
  it.each(rows)('is tried as often as the table says, in streams: %s', async (_what, error, code, tries) => {
    const { engine, simulator } = await start({ faults: [{ does: { kind: 'error', error } }] });
    await expect(transcribed(engine, longSpeech.pcm)).rejects.toMatchObject({ code });
    expect(simulator.seen.of('StreamingRecognize')).toHaveLength(tries);
  });

  it.each(rows)('is tried as often as the table says, with files: %s', async (_what, error, code, tries) => {
    const { engine, simulator } = await start({
      ...files,
      faults: [{ method: 'Recognize', does: { kind: 'error', error } }],
    });
    await expect(transcribed(engine, longSpeech.pcm)).rejects.toMatchObject({ code });
    expect(simulator.seen.of('Recognize')).toHaveLength(tries);
  });

  it('as a model that is not there is answered with what there is', async () => {
    const error = unavailableModel({ language: 'en-US', sampleRateHz: 16_000, type: 'online' });
    const { engine } = await start({ faults: [{ does: { kind: 'error', error } }] });
    const failure: unknown = await transcribed(engine, longSpeech.pcm).catch((thrown: unknown) => thrown);
    expect(failure).toMatchObject({ code: 'model_not_found' });
    expect((failure as PolyscribeError).message).toMatch(
      /has no model for this language.*It has parakeet-1.1b-en-US-asr-streaming-silero-vad-sortformer \(online, en-US\)/,
    );
  });

  it('as files is sent as a stream', async () => {
    const { engine, simulator } = await start(
      {
        models: [
          { name: 'files', type: 'offline', languages: ['en-US'] },
          { name: 'streams', type: 'online', languages: ['de-DE', 'en-US'] },
        ],
        faults: [{ method: 'Recognize', does: { kind: 'error', error: english } }],
      },
      { env: { RIVA_MODEL: 'files' } },
    );
    const { texts } = await transcribed(engine, longSpeech.pcm);
    expect(texts).toEqual(longSpeech.texts);
    const [stream] = simulator.seen.of('StreamingRecognize');
    expect(stream?.config).toMatchObject({ model: '', languageCode: 'en-US' });
  });

  it('as files is refused as a stream where the model was asked for by name', async () => {
    const { engine, simulator } = await start({
      ...files,
      faults: [{ method: 'Recognize', does: { kind: 'error', error: english } }],
    });
    const call = transcribed(engine, longSpeech.pcm, { model: 'files' });
    await expect(call).rejects.toMatchObject({ code: 'model_not_found' });
    expect(simulator.seen.of('StreamingRecognize')[0]?.config?.model).toBe('files');
  });

  describe('by its size', () => {
    it('is what no limit of ours caught: payload_too_large', async () => {
      const { engine } = await start({ ...files, maxMessageBytes: 100_000 });
      await expect(transcribed(engine, longSpeech.pcm)).rejects.toMatchObject({ code: 'payload_too_large' });
    });

    it('is not even sent where our own limit catches it', async () => {
      const { engine, simulator } = await start(files, { env: { RIVA_MAX_MESSAGE_SIZE: '1048576' } });
      const twice = Buffer.concat([longSpeech.pcm, longSpeech.pcm]);
      await expect(transcribed(engine, twice)).rejects.toMatchObject({ code: 'payload_too_large' });
      expect(simulator.seen.of('Recognize')).toHaveLength(0);
      expect(engine.describe().capabilities.maxAudioMs).toBeLessThan(33_000);
    });

    it.each([1, 4])('is none up to the length that the adapter names, for messages of %i MiB', async (mebibytes) => {
      const size = mebibytes * 1_048_576;
      const options = { env: { RIVA_MAX_MESSAGE_SIZE: String(size) } };
      const { engine } = await start({ ...files, maxMessageBytes: size }, options);
      const { maxAudioMs = 0 } = engine.describe().capabilities;
      const pcm = Buffer.alloc(msToPcmBytes(maxAudioMs));
      const phrases = Array.from({ length: 500 }, (_, index) => ({ phrase: `${'\u4e2d'.repeat(96)}${index}` }));
      await expect(transcribed(engine, pcm, { phrases })).resolves.toMatchObject({ texts: [] });
      const longer = Buffer.concat([pcm, Buffer.alloc(msToPcmBytes(100))]);
      await expect(transcribed(engine, longer)).rejects.toMatchObject({ code: 'payload_too_large' });
    });

    it('is no matter in a stream', async () => {
      const { engine } = await start({ maxMessageBytes: 100_000 }, { env: { RIVA_MAX_MESSAGE_SIZE: '1048576' } });
      const { segments } = await transcribed(engine, Buffer.concat([longSpeech.pcm, longSpeech.pcm]));
      expect(segments).toHaveLength(2 * longSpeech.texts.length);
      expect(engine.describe().capabilities.maxAudioMs).toBeUndefined();
    });

    it('is also what Riva answers, beyond our own limit', async () => {
      const pcm = scriptedSpeech([['alpha', 'bravo']]);
      const large = { ...files, speech: { paddingBytes: 2_000_000 } };
      const { engine } = await start(large, { env: { RIVA_MAX_MESSAGE_SIZE: '1048576' } });
      await expect(transcribed(engine, pcm)).rejects.toMatchObject({ code: 'payload_too_large' });
      await running?.stop();
      const { engine: roomy } = await start(large);
      await expect(transcribed(roomy, pcm)).resolves.toMatchObject({ texts: ['Alpha bravo.'] });
    });
  });
});
