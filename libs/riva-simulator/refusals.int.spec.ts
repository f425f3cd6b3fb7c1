import { Metadata } from 'nice-grpc';
import { scriptedSpeech, wavFile } from '#engine-testkit';
import { riva } from '#protos';
import { eventually } from '#testing';
import { messageTooLarge } from './riva-errors.js';
import type { RivaScript } from './riva-script.js';
import { audioMessage, configMessage, rivaConfig, statusOf } from './testing/bare-client.js';
import { Simulators, chunksOf } from './testing/simulators.js';

const speech = scriptedSpeech([['alpha', 'bravo']]);
const { AudioEncoding } = riva;

/** What servers refuse by themselves, without a fault in the script. */
describe('refusals', () => {
  const simulators = new Simulators();
  afterEach(() => simulators.closeAll());

  describe('models', () => {
    const script: RivaScript = {
      models: [
        { name: 'english', type: 'online', languages: ['en-US', 'en-GB'] },
        { name: 'spanish', type: 'offline', languages: ['es-US'], parameters: { decoder: 'greedy' } },
      ],
    };
    const unavailable = 'INVALID_ARGUMENT: Unavailable model requested given these parameters: ';

    it.each<[string, Partial<riva.RecognitionConfig>, string | undefined]>([
      ['a language of an online model', { languageCode: 'en-GB' }, undefined],
      ['the exact name of a model', { model: 'english' }, undefined],
      ['no language', { languageCode: '' }, undefined],
      [
        'the language of an offline model',
        { languageCode: 'es-US' },
        'language_code=es-US; sample_rate=16000; type=online',
      ],
      ['the name of an offline model', { model: 'spanish' }, 'language_code=en-US; sample_rate=16000; type=online'],
      ['part of a name', { model: 'eng' }, 'language_code=en-US; sample_rate=16000; type=online'],
    ])('answers a stream that asks for %s', async (_title, config, details) => {
      const { client } = await simulators.start(script);
      const { error } = await client.stream({ chunks: chunksOf(speech), config });
      expect(error).toBe(details === undefined ? undefined : unavailable + details);
    });

    it('refuses a file where only streams are served', async () => {
      const { client } = await simulators.start(script);
      const request = { config: rivaConfig(), audio: speech };
      await expect(statusOf(client.asr.recognize(request))).resolves.toBe(
        `${unavailable}language_code=en-US; sample_rate=16000; type=offline`,
      );
    });

    it('speaks as older releases and multilingual deployments do, where told to', async () => {
      const { client } = await simulators.start({
        models: [],
        unavailableModelText: 'older',
        languageInErrors: 'bare',
      });
      const { error } = await client.stream({ chunks: [], config: { languageCode: 'es-US' } });
      expect(error).toBe('INVALID_ARGUMENT: Unavailable model requested. Lang: es, Type: online');
    });

    it('lists models with type and languages, all or one', async () => {
      const { client, simulator } = await simulators.start(script);
      const { modelConfig } = await client.asr.getRivaSpeechRecognitionConfig({});
      expect(modelConfig).toEqual([
        { modelName: 'english', parameters: { type: 'online', language_code: 'en-US,en-GB' } },
        { modelName: 'spanish', parameters: { type: 'offline', language_code: 'es-US', decoder: 'greedy' } },
      ]);
      const one = await client.asr.getRivaSpeechRecognitionConfig({ modelName: 'spanish' });
      expect(one.modelConfig.map((model) => model.modelName)).toEqual(['spanish']);
      expect(simulator.seen.of('GetRivaSpeechRecognitionConfig').map((call) => call.modelName)).toEqual([
        '',
        'spanish',
      ]);
    });

    it('lacks the configuration where the server is old', async () => {
      const { client } = await simulators.start({ configRpc: 'missing' });
      const status = await statusOf(client.asr.getRivaSpeechRecognitionConfig({}));
      expect(status).toBe('UNIMPLEMENTED: Method not found!');
      await expect(client.stream({ chunks: chunksOf(speech) })).resolves.toMatchObject({ error: undefined });
    });

    it('has no method at all where speech recognition is not deployed', async () => {
      const { client } = await simulators.start({ asr: 'missing' });
      const { error } = await client.stream({ chunks: chunksOf(speech) });
      const statuses = await Promise.all([
        statusOf(client.asr.getRivaSpeechRecognitionConfig({})),
        statusOf(client.asr.recognize({ config: rivaConfig(), audio: speech })),
      ]);
      expect(new Set([error, ...statuses])).toEqual(new Set(['UNIMPLEMENTED: Method not found!']));
    });
  });

  describe('audio', () => {
    it.each<[string, Partial<riva.RecognitionConfig>, Buffer, string]>([
      [
        'bare samples without an encoding',
        { encoding: AudioEncoding.ENCODING_UNSPECIFIED },
        speech,
        'unknown encoding',
      ],
      ['FLAC declared as PCM', {}, Buffer.from('fLaC, and more'), "config format doesn't match with header format"],
      ['a rate below the lowest', { sampleRateHertz: 4_000 }, speech, 'sample_rate_hertz out of range'],
      ['two channels', { audioChannelCount: 2 }, speech, 'only mono'],
      ['a WAV file of two channels', {}, stereo(), 'only mono'],
    ])('refuses %s', async (_title, config, audio, details) => {
      const { client } = await simulators.start();
      const { error } = await client.stream({ chunks: [audio], config });
      expect(error).toMatch(/^INVALID_ARGUMENT: /);
      expect(error).toContain(details);
      const file = await statusOf(client.asr.recognize({ config: rivaConfig(config), audio }));
      expect(file).toBe(error);
    });

    it('refuses a file without audio, but not a stream', async () => {
      const { client } = await simulators.start();
      const file = await statusOf(client.asr.recognize({ config: rivaConfig(), audio: Buffer.alloc(0) }));
      expect(file).toBe('INVALID_ARGUMENT: audio is empty');
      await expect(client.stream({ chunks: [] })).resolves.toMatchObject({ error: undefined, responses: [] });
    });

    it('bears empty chunks', async () => {
      const { client } = await simulators.start();
      const { finals } = await client.stream({ chunks: [Buffer.alloc(0), speech, Buffer.alloc(0)] });
      expect(finals[0]?.transcript).toBe('alpha bravo ');
    });

    it.each([
      ['audio first', [audioMessage(speech)], 'INVALID_ARGUMENT: first message must contain streaming_config'],
      [
        'a second configuration',
        [configMessage(), configMessage()],
        'INVALID_ARGUMENT: streaming_config must be sent only once',
      ],
      ['nothing at all', [], 'FAILED_PRECONDITION: streaming_config not received'],
    ])('refuses a stream of %s', async (_title, messages, expected) => {
      const { client } = await simulators.start();
      await expect(client.exchange(messages)).resolves.toMatchObject({ error: expected });
    });

    it('refuses messages beyond its limit, in both methods', async () => {
      const { client } = await simulators.start({ maxMessageBytes: 10_000 });
      const { error } = await client.stream({ chunks: [Buffer.alloc(9_000), Buffer.alloc(10_000)] });
      expect(error).toBe(`RESOURCE_EXHAUSTED: ${messageTooLarge(10_003, 10_000).details}`);
      const file = await statusOf(client.asr.recognize({ config: rivaConfig(), audio: speech }));
      expect(file).toMatch(/^RESOURCE_EXHAUSTED: Received message larger than max/);
    });

    it('sends answers larger than a client takes, where told to', async () => {
      const { client } = await simulators.start({ speech: { paddingBytes: 5 * 1024 * 1024 } });
      const { error } = await client.stream({ chunks: chunksOf(speech) });
      expect(error).toMatch(/^RESOURCE_EXHAUSTED: Received message larger than max/);
    });
  });

  describe('time and room', () => {
    it.each([
      ['next chunk', speech],
      ['end', undefined],
    ])('forgets a stream that is idle, and asks for the START flag at the %s', async (_title, next) => {
      const { client, simulator } = await simulators.start({ idleMs: 1 });
      async function* chunks(): AsyncGenerator<Buffer> {
        yield speech;
        await eventually('the audio to be taken', () => simulator.seen.calls[0]?.finals);
        const since = performance.now();
        await eventually('the stream to be idle', () => performance.now() - since > 20);
        if (next) yield next;
      }
      const { error } = await client.stream({ chunks: chunks() });
      expect(error).toMatch(/^INVALID_ARGUMENT: .*must specify the START flag on the first request of the sequence$/);
    });

    it('has only so many slots for streams', async () => {
      const { client, simulator } = await simulators.start({ maxStreams: 1 });
      const streams = () => simulator.seen.of('StreamingRecognize').length;
      async function* untilTheSecond(): AsyncGenerator<Buffer> {
        yield speech;
        await eventually('the second stream', () => streams() === 2);
      }
      const first = client.stream({ chunks: untilTheSecond() });
      await eventually('the first stream', () => streams() === 1);
      const second = await client.stream({ chunks: [] });
      expect(second.error).toBe('RESOURCE_EXHAUSTED: no free sequence slot available');
      await expect(first).resolves.toMatchObject({ error: undefined });
      expect(simulator.seen).toMatchObject({ openStreams: 0, mostOpenStreams: 2 });
    });
  });

  describe('hosted', () => {
    const hosted = { functionId: '1598d209', apiKey: 'nvapi-key' };

    it.each<[string, Record<string, string>, string | undefined]>([
      ['the function and the key', { 'function-id': '1598d209', authorization: 'Bearer nvapi-key' }, undefined],
      ['the function twice', { 'function-id': '1598d209, 1598d209', authorization: 'Bearer nvapi-key' }, undefined],
      ['nothing', {}, 'UNAUTHENTICATED: '],
      ['a wrong key', { 'function-id': '1598d209', authorization: 'Bearer other' }, 'UNAUTHENTICATED: '],
      [
        'a function that is gone',
        { 'function-id': 'old', authorization: 'Bearer nvapi-key' },
        'NOT_FOUND: function not found for account',
      ],
    ])('answers who sends %s', async (_title, fields, error) => {
      const { client } = await simulators.start({ hosted });
      const metadata = Metadata(fields);
      const outcomes = await Promise.all([
        client.stream({ chunks: chunksOf(speech), metadata }).then((outcome) => outcome.error ?? 'OK'),
        statusOf(client.asr.recognize({ config: rivaConfig(), audio: speech }, { metadata })),
        statusOf(client.asr.getRivaSpeechRecognitionConfig({}, { metadata })),
        statusOf(client.health.check({}, { metadata })),
      ]);
      expect(outcomes.map((outcome) => outcome.startsWith(error ?? 'OK'))).toEqual([true, true, true, true]);
    });
  });
});

function stereo(): Buffer {
  const wav = wavFile(speech);
  wav.writeUInt16LE(2, 22);
  return wav;
}
