import type { EngineRequest } from '#contracts';
import { scriptedSpeech, silence } from '#engine-testkit';
import { engineFor, type Outcome, run } from '../testing/engine-under-test.js';
import { OpenAiDouble, type OpenAiFlavour } from '../testing/openai.double.js';

const TRANSCRIPTIONS = '/v1/audio/transcriptions';

describe('the adapter before servers of the shape of OpenAI', () => {
  /** One call of an engine before a server of that flavour. */
  async function call(
    flavour: OpenAiFlavour,
    wishes: Partial<EngineRequest> = {},
    pcm?: Buffer,
    prepare: (server: OpenAiDouble) => void = () => undefined,
  ): Promise<{ server: OpenAiDouble; outcome: Outcome }> {
    const server = await new OpenAiDouble(flavour).start();
    prepare(server);
    const engine = engineFor(server.url);
    await engine.start();
    try {
      return { server, outcome: await run(engine, wishes, pcm) };
    } finally {
      await engine.stop();
      await server.stop();
    }
  }

  const common = { model: 'Systran/faster-whisper-base', response_format: 'verbose_json', language: 'en' };
  const asked: Partial<EngineRequest> = { wordTimestamps: true, phrases: [{ phrase: 'aspirin' }] };
  const granularities = { 'timestamp_granularities[]': 'segment,word' };

  it.each<[OpenAiFlavour, Record<string, string>, string, string]>([
    ['speaches-0.8', { hotwords: 'aspirin', without_timestamps: 'false' }, 'audio/wav', 'RIFF'],
    ['speaches', { hotwords: 'aspirin', without_timestamps: 'false' }, 'audio/pcm', '\0\0\0\0'],
    [
      'whisperx-api-server',
      { hotwords: 'aspirin', align: 'true', suppress_numerals: 'false', diarize: 'false' },
      'audio/wav',
      'RIFF',
    ],
    ['plain', { prompt: 'aspirin' }, 'audio/wav', 'RIFF'],
  ])('asks %s in its own words', async (flavour, fields, type, begin) => {
    const { server } = await call(flavour, asked);
    const seen = server.asked(TRANSCRIPTIONS)[0];
    expect(seen?.fields).toEqual({ ...common, ...granularities, ...fields });
    expect(seen?.file?.type).toBe(type);
    expect(seen?.file?.content.toString('latin1', 0, 4)).toBe(begin);
  });

  it('offers the models that write speech down, and takes the one built on the default', async () => {
    const server = await new OpenAiDouble('speaches').start();
    const engine = engineFor(server.url, { defaultModel: 'large-v3' });
    await engine.start();
    expect(engine.describe().capabilities).toMatchObject({
      models: ['Systran/faster-whisper-large-v3', 'Systran/faster-whisper-base'],
      defaultModel: 'Systran/faster-whisper-large-v3',
    });
    await engine.stop();
    await server.stop();
  });

  it('translates without fields that the route does not have', async () => {
    const { server, outcome } = await call('speaches', { task: 'translate', language: 'de' });
    const expected = { model: common.model, response_format: 'verbose_json' };
    expect(server.asked('/v1/audio/translations')[0]?.fields).toEqual(expected);
    expect(outcome.summary).toMatchObject({ language: 'en' });
  });

  it('takes a failure over silence for an empty transcript, once the detector of the server has found no speech', async () => {
    const { server, outcome } = await call('speaches', {}, silence(31_000), (double) => {
      double.failsOnSilenceFromSeconds = 30;
    });
    expect(outcome.segments).toEqual([]);
    expect(outcome.summary).toMatchObject({ audioMs: 31_000 });
    expect(server.asked('/v1/audio/speech/timestamps')).toHaveLength(1);
  });

  it('takes the same failure for one where the server is another', async () => {
    const failing = call('plain', {}, silence(31_000), (double) => {
      double.failsOnSilenceFromSeconds = 30;
    });
    await expect(failing).rejects.toMatchObject({ code: 'engine_bad_response' });
  });

  it('puts speakers, which come from a second call on the same stream, to segments and words', async () => {
    const sentences = scriptedSpeech([['papa', 'oscar'], ['alpha'], ['november']]);
    const { server, outcome } = await call(
      'speaches',
      { diarization: { maxSpeakers: 3 }, wordTimestamps: true },
      sentences,
    );
    expect(outcome.segments.map(({ text, speakerTag }) => [text, speakerTag])).toEqual([
      ['papa oscar', 0],
      ['alpha', 1],
      ['november', 0],
    ]);
    expect(outcome.segments[0]?.words?.map(({ speakerTag }) => speakerTag)).toEqual([0, 0]);
    expect(outcome.warnings.map(({ code }) => code)).toEqual(['speaker_bounds_ignored']);
    expect(server.asked('/v1/audio/diarization')[0]?.file?.content.equals(sentences)).toBe(true);
  });

  it('says so when a server does not have a model that it lists no more', async () => {
    const server = await new OpenAiDouble('plain').start();
    const engine = engineFor(server.url, { availableModels: ['gone'], defaultModel: 'gone' });
    await engine.start();
    await expect(run(engine)).rejects.toMatchObject({
      code: 'model_not_found',
      message: 'The server does not have the model gone; install it there.',
    });
    await engine.stop();
    await server.stop();
  });

  it('says that the key is wrong where the server keeps even its health behind it', async () => {
    const server = await new OpenAiDouble('speaches-0.8').start();
    server.apiKey = 'right';
    const engine = engineFor(server.url, { apiKey: 'other' });
    await engine.start();
    expect(engine.describe().health.reason).toContain('WHISPERX_API_KEY');
    await engine.stop();
    await server.stop();
  });
});
