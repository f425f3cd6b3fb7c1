import type { EngineCapabilities, EngineRequest, SpeechEngine } from '#contracts';
import { CountedAudio } from '../counted-audio.js';
import type { EngineFixtures, EngineRule } from './engine-rule.js';
import { capabilitiesOf, demand, demandCode, outcomeOf, plainRequest, wellDone } from './run-call.js';

/** Features that a request can ask for, each with the declaration that stands for it. */
const features: readonly {
  readonly name: string;
  readonly has: (capabilities: EngineCapabilities) => boolean;
  readonly wish: Partial<EngineRequest>;
}[] = [
  { name: 'word timestamps', has: (c) => c.wordTimestamps, wish: { wordTimestamps: true } },
  { name: 'diarization', has: (c) => c.diarization, wish: { diarization: {} } },
  { name: 'translation', has: (c) => c.translation, wish: { task: 'translate' } },
  { name: 'partial results', has: (c) => c.partialResults, wish: { partialResults: true } },
  { name: 'punctuation control', has: (c) => c.punctuationControl, wish: { punctuation: false } },
  { name: 'profanity filter', has: (c) => c.profanityFilter, wish: { profanityFilter: true } },
  { name: 'verbatim text', has: (c) => c.verbatim, wish: { verbatim: true } },
];

const phrases = [{ phrase: 'polyscribe' }];

/** What a call does with what it is asked for. */
export const featureRules: readonly EngineRule[] = [
  {
    title: 'refuses a language that it does not declare',
    async check(engine, fixtures) {
      if (capabilitiesOf(engine).languages.includes('*')) return;
      await demandRefusal(engine, fixtures, { language: 'tlh' }, 'unsupported_language');
    },
  },
  {
    title: 'refuses a model that it does not have',
    check: (engine, fixtures) => demandRefusal(engine, fixtures, { model: 'no-such-model' }, 'model_not_found'),
  },
  {
    title: 'uses the model that is asked for',
    async check(engine, fixtures) {
      for (const model of capabilitiesOf(engine).models) {
        const { events } = await wellDone(engine, fixtures, { model });
        const used = events.flatMap((event) => (event.type === 'summary' ? [event.model] : []));
        demand(used[0] === model, 'The summary names another model than the one asked for.');
      }
    },
  },
  {
    title: 'refuses features that it lacks, where the request says refuse',
    async check(engine, fixtures) {
      for (const { has, wish } of features) {
        if (!has(capabilitiesOf(engine))) await demandRefusal(engine, fixtures, wish, 'unsupported_feature');
      }
    },
  },
  {
    title: 'goes on without features that it lacks and warns, where the request says warn',
    async check(engine, fixtures) {
      for (const { name, has, wish } of features) {
        if (has(capabilitiesOf(engine))) continue;
        const { events } = await wellDone(engine, fixtures, { ...wish, onUnsupported: 'warn' });
        demand(warnsOf(events), `There was no warning about ${name}.`);
      }
    },
  },
  {
    title: 'serves features that it declares',
    async check(engine, fixtures) {
      for (const { name, has, wish } of features) {
        if (!has(capabilitiesOf(engine))) continue;
        const { events } = await wellDone(engine, fixtures, wish);
        demand(!warnsOf(events), `There was a warning about ${name}, which is declared.`);
      }
    },
  },
  {
    title: 'never ignores phrases in silence',
    async check(engine, fixtures) {
      if (capabilitiesOf(engine).phraseBoosting) return;
      const { events } = await wellDone(engine, fixtures, { phrases, onUnsupported: 'warn' });
      demand(warnsOf(events), 'There was no warning about phrases.');
      const refused = await outcomeOf(
        engine,
        plainRequest(fixtures, { phrases }),
        new CountedAudio({ pcm: fixtures.speech }),
      );
      if (refused.error === undefined) demand(warnsOf(refused.events), 'Phrases were ignored in silence.');
      else demandCode(refused.error, 'unsupported_feature');
    },
  },
  {
    title: 'gives words only where they were asked for',
    async check(engine, fixtures) {
      const { segments } = await wellDone(engine, fixtures);
      demand(
        segments.every((segment) => segment.words === undefined),
        'There are words nobody asked for.',
      );
    },
  },
  {
    title: 'gives words in order and within their segment',
    async check(engine, fixtures) {
      if (!capabilitiesOf(engine).wordTimestamps) return;
      const { segments } = await wellDone(engine, fixtures, { wordTimestamps: true });
      for (const { words, startMs, endMs } of segments) {
        demand(words !== undefined && words.length > 0, 'A segment has no words though they were asked for.');
        let last = startMs;
        for (const word of words ?? []) {
          demand(word.startMs >= last && word.endMs >= word.startMs && word.endMs <= endMs, 'A word is out of place.');
          last = word.startMs;
        }
      }
    },
  },
  {
    title: 'gives speaker tags only where they were asked for',
    async check(engine, fixtures) {
      const { segments } = await wellDone(engine, fixtures);
      demand(
        segments.every((segment) => segment.speakerTag === undefined),
        'There are speaker tags nobody asked for.',
      );
    },
  },
  {
    title: 'numbers speakers from 0 in order of first speech',
    async check(engine, fixtures) {
      if (!capabilitiesOf(engine).diarization) return;
      const { segments } = await wellDone(engine, fixtures, { diarization: {} });
      let known = 0;
      for (const { speakerTag } of segments) {
        demand(speakerTag !== undefined, 'A segment has no speaker though they were asked for.');
        demand((speakerTag ?? 0) <= known, 'A speaker got a number before those who spoke earlier.');
        known = Math.max(known, (speakerTag ?? 0) + 1);
      }
    },
  },
  {
    title: 'gives confidences from 0 to 1, and only where it declares them',
    async check(engine, fixtures) {
      const { confidence: declared, wordTimestamps } = capabilitiesOf(engine);
      const { segments } = await wellDone(engine, fixtures, { wordTimestamps });
      for (const { confidence } of segments.flatMap((segment) => [segment, ...(segment.words ?? [])])) {
        if (confidence === undefined) continue;
        demand(declared, 'There is a confidence though none is declared.');
        demand(confidence >= 0 && confidence <= 1, 'A confidence is outside 0 to 1.');
      }
    },
  },
  {
    title: 'sends partial results only where they were asked for',
    async check(engine, fixtures) {
      const { events } = await wellDone(engine, fixtures);
      demand(!events.some((event) => event.type === 'partial'), 'There is a partial nobody asked for.');
    },
  },
];

function warnsOf(events: Awaited<ReturnType<typeof wellDone>>['events']): boolean {
  return events.some((event) => event.type === 'warning' && event.warning.code === 'unsupported_feature');
}

async function demandRefusal(
  engine: SpeechEngine,
  fixtures: EngineFixtures,
  wish: Partial<EngineRequest>,
  code: string,
): Promise<void> {
  const audio = new CountedAudio({ pcm: fixtures.speech });
  const { error, segments } = await outcomeOf(engine, plainRequest(fixtures, wish), audio);
  demandCode(error, code);
  demand(segments.length === 0, 'A refused call gave segments.');
  demand(audio.isReleased, 'A refused call holds on to its audio.');
}
