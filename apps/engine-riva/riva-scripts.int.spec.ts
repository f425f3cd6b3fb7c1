import type { EngineRequest } from '#contracts';
import { scriptedSpeech, silence } from '#engine-testkit';
import type { RivaModel, RivaScript } from '#riva-simulator';
import { longSpeech } from './testing/long-speech.js';
import { type Outcome, type SimulatedRivaOptions, simulatedRiva, transcribed } from './testing/simulated-riva.js';

const dialogue = scriptedSpeech([
  ['alpha', 'bravo'],
  ['india', 'juliett', 'kilo'],
  ['charlie', 'papa', 'delta'],
]);

const whisper: RivaModel = {
  name: 'whisper',
  type: 'offline',
  languages: ['en', 'multi'],
  words: 'none',
  alwaysPunctuates: true,
};
const detecting: RivaModel = { name: 'detecting', type: 'online', languages: ['multi'], words: 'languages' };

/** What the adapter makes of a server that follows the script. */
async function heard(
  script: RivaScript,
  wishes: Partial<EngineRequest> = {},
  { pcm = dialogue, ...options }: SimulatedRivaOptions & { readonly pcm?: Buffer } = {},
): Promise<Outcome> {
  const riva = await simulatedRiva(script, { timing: { firstRetryMs: 50, mostRetryMs: 200 }, ...options });
  try {
    return await transcribed(riva.engine, pcm, wishes);
  } finally {
    await riva.stop();
  }
}

describe('the Riva adapter', () => {
  const plain = ['Alpha bravo.', 'India juliett kilo.', 'Charlie papa delta.'];

  it.each<[string, RivaScript]>([
    ['a space after each text', { speech: { spacing: 'trailing' } }],
    ['a space before each text but the first', { speech: { spacing: 'leading' } }],
    ['words with punctuation', { speech: { punctuatedWords: true } }],
    ['a channel tag of 0', { speech: { channelTag: 0 } }],
    ['responses without results', { stream: { heartbeats: 'no_results' } }],
    ['results without alternatives', { stream: { heartbeats: 'no_alternatives' } }],
    ['finals that are announced', { stream: { announcesFinals: true } }],
    ['interims in two parts', { stream: { interims: 'head_and_tail' } }],
    ['long steps', { stream: { stepMs: 2_000 } }],
    ['empty texts for silence', { speech: { silence: 'empty_result' } }],
    ['languages that it detected', { speech: { detectedLanguages: ['en-US'] } }],
    ['an unneeded second reading', { speech: { paddingBytes: 1_000 } }],
  ])('gives the same text for a server with %s', async (_what, script) => {
    const { texts, warnings } = await heard(script);
    expect(texts).toEqual(plain);
    expect(warnings).toEqual([]);
  });

  it('finds nothing in silence, also where the server has an empty text for it', async () => {
    for (const said of ['no_result', 'empty_result'] as const) {
      const { segments, summary } = await heard({ speech: { silence: said } }, {}, { pcm: silence(3_000) });
      expect(segments).toEqual([]);
      expect(summary?.audioMs).toBe(3_000);
    }
  });

  it('leaves punctuation, masks and numbers as they are asked for', async () => {
    const script = { speech: { profanities: ['kilo'], rewrites: { papa: '20' } } };
    const asked = { punctuation: false, profanityFilter: true };
    expect((await heard(script, asked)).texts).toEqual(['alpha bravo', 'india juliett k***', 'charlie 20 delta']);
    expect((await heard(script, { verbatim: true })).texts).toEqual(plain);
  });

  it.each([
    ['from 1', [1, 2]],
    ['from 0', [0, 1]],
    ['in any order', [7, 3]],
  ])('splits texts by speaker for labels %s', async (_what, speakerTags) => {
    const { segments } = await heard({ speech: { speakerTags } }, { diarization: {} });
    expect(segments.map(({ text, speakerTag }) => [text, speakerTag])).toEqual([
      ['Alpha bravo.', 0],
      ['India juliett kilo.', 1],
      ['Charlie', 0],
      ['papa', 1],
      ['delta.', 0],
    ]);
  });

  it('gives words that the diarizer missed to who spoke before them', async () => {
    const { segments } = await heard({ speech: { untaggedEvery: 4 } }, { diarization: {} });
    // The fourth and the eighth word are untagged: juliett and delta.
    expect(segments.map(({ text, speakerTag }) => [text, speakerTag])).toEqual([
      ['Alpha bravo.', 0],
      ['India juliett kilo.', 1],
      ['Charlie', 0],
      ['papa delta.', 1],
    ]);
  });

  it('warns where a server has no diarizer', async () => {
    const models = [{ name: 'm', type: 'online', languages: ['en-US'], diarizer: false }] as const;
    const { warnings, texts } = await heard({ models }, { diarization: { minSpeakers: 2 } });
    expect(texts).toEqual(plain);
    expect(warnings.map(({ code }) => code)).toEqual(['unsupported_feature', 'no_speakers']);
  });

  it('spreads words over texts of models that time none', async () => {
    const { segments, summary } = await heard({ models: [whisper] }, { wordTimestamps: true, punctuation: false });
    expect(segments.map(({ text }) => text).join(' ')).toBe(plain.join(' '));
    expect(segments.flatMap(({ words = [] }) => words).every(({ interpolated }) => interpolated)).toBe(true);
    expect(segments.flatMap(({ words = [] }) => words)).toHaveLength(8);
    expect(summary).toMatchObject({ language: 'en', model: 'whisper' });
  });

  it('shares the audio out where a server says of each text that it has consumed all', async () => {
    const { segments } = await heard({ models: [whisper] });
    expect(segments.map(({ text }) => text)).toEqual(plain);
    for (const [index, { startMs, endMs }] of segments.entries()) {
      expect(startMs).toBe(index === 0 ? 0 : segments[index - 1]?.endMs);
      expect(endMs - startMs).toBeGreaterThan(500);
    }
    expect(segments.at(-1)?.endMs).toBe(Math.floor(dialogue.length / 32));
  });

  it('tells the language that a model detected, whichever was named', async () => {
    const script = { models: [detecting], speech: { detectedLanguages: ['de-DE'] } };
    const riva = await simulatedRiva(script);
    try {
      expect(riva.engine.describe().capabilities).toMatchObject({ languages: ['*'], languageDetection: true });
      const { summary, texts } = await transcribed(riva.engine, dialogue, { language: 'pt-BR' });
      expect(texts).toEqual(plain);
      expect(summary?.language).toBe('de-DE');
      expect(riva.simulator.seen.of('StreamingRecognize')[0]?.config?.languageCode).toBe('multi');
    } finally {
      await riva.stop();
    }
  });

  it('waits for a free slot where a server has fewer than we take it for', async () => {
    const riva = await simulatedRiva({ maxStreams: 1 }, { timing: { firstRetryMs: 300, mostRetryMs: 1_000 } });
    try {
      const calls = [transcribed(riva.engine, longSpeech.pcm), transcribed(riva.engine, longSpeech.pcm)];
      expect((await Promise.all(calls)).map(({ texts }) => texts)).toEqual([longSpeech.texts, longSpeech.texts]);
      expect(riva.simulator.seen.of('StreamingRecognize').length).toBeGreaterThan(2);
    } finally {
      await riva.stop();
    }
  });

  it.each<RivaScript>([{ unavailableModelText: 'older' }, { languageInErrors: 'bare' }])(
    'says what to check where a server that does not tell what it has refuses by %j',
    async (script) => {
      const models = [{ name: 'm', type: 'online', languages: ['es-US'] }] as const;
      const assumed = { env: { RIVA_LANGUAGE: 'en-US', RIVA_MODEL: 'gone' } };
      const call = heard({ ...script, models, configRpc: 'missing' }, {}, assumed);
      await expect(call).rejects.toThrow(
        /has no model for this language.*It has models that it does not tell: check RIVA_MODEL/,
      );
    },
  );
});
