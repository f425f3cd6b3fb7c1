import { scriptedSpeech, wavFile } from '#engine-testkit';
import { riva } from '#protos';
import { rivaConfig } from './testing/bare-client.js';
import { Simulators } from './testing/simulators.js';

const speech = scriptedSpeech([
  ['alpha', 'kilo'],
  ['papa', 'delta'],
]);

describe('offline recognition', () => {
  const simulators = new Simulators();
  afterEach(() => simulators.closeAll());

  it('gives one result per stretch of speech, in time order, with times from the start of the file', async () => {
    const { client, simulator } = await simulators.start();
    const config = rivaConfig({ enableWordTimeOffsets: true, enableAutomaticPunctuation: true });
    const { results, id } = await client.asr.recognize({ config, audio: speech, id: { value: 'mine' } });
    expect(results.map(({ alternatives: [best] }) => best?.transcript)).toEqual(['Alpha kilo. ', 'Papa delta. ']);
    expect(results[1]).toMatchObject({
      channelTag: 1,
      audioProcessed: expect.closeTo(2.52, 2) as number,
      alternatives: [{ words: [{ word: 'papa', startTime: 1_460, endTime: 1_760 }, { word: 'delta' }] }],
    });
    expect(id).toEqual({ value: 'mine' });
    expect(simulator.seen.of('Recognize')).toEqual([
      expect.objectContaining({ state: 'done', requestId: 'mine', audioBytes: speech.length, finals: 2, config }),
    ]);
  });

  it('takes a WAV file without encoding and rate', async () => {
    const { client } = await simulators.start();
    const config = rivaConfig({ encoding: riva.AudioEncoding.ENCODING_UNSPECIFIED, sampleRateHertz: 0 });
    const { results } = await client.asr.recognize({ config, audio: wavFile(speech) });
    expect(results).toHaveLength(2);
  });

  it('gives as many readings as asked for, of which only the first has words', async () => {
    const { client } = await simulators.start();
    const config = rivaConfig({ maxAlternatives: 2, enableWordTimeOffsets: true });
    const { results } = await client.asr.recognize({ config, audio: speech });
    expect(results[0]?.alternatives.map(({ words }) => words.length)).toEqual([2, 0]);
  });

  it.each([
    ['no_result', []],
    ['empty_result', ['']],
  ] as const)('answers silence with %s', async (silence, transcripts) => {
    const { client } = await simulators.start({ speech: { silence } });
    const { results } = await client.asr.recognize({ config: rivaConfig(), audio: Buffer.alloc(32_000) });
    expect(results.map(({ alternatives: [best] }) => best?.transcript)).toEqual(transcripts);
  });

  it('has no words from models without them, and punctuates unasked', async () => {
    const models = [
      { name: 'canary', type: 'offline', languages: ['en-US'], words: 'none', alwaysPunctuates: true },
    ] as const;
    const { client } = await simulators.start({ models });
    const config = rivaConfig({ enableWordTimeOffsets: true });
    const { results } = await client.asr.recognize({ config, audio: speech });
    expect(results[0]?.alternatives).toMatchObject([{ transcript: 'Alpha kilo. ', words: [] }]);
  });

  it('has words with only a language from models that tell languages apart', async () => {
    const models = [{ name: 'multi', type: 'offline', languages: ['multi'], words: 'languages' }] as const;
    const { client } = await simulators.start({ models, speech: { detectedLanguages: ['en-US'] } });
    const { results } = await client.asr.recognize({ config: rivaConfig({ languageCode: 'multi' }), audio: speech });
    expect(results[0]?.alternatives[0]).toMatchObject({
      languageCode: ['en-US'],
      words: [{ word: 'alpha', languageCode: 'en-US', startTime: 0, endTime: 0, confidence: 0 }, { word: 'kilo' }],
    });
  });
});
