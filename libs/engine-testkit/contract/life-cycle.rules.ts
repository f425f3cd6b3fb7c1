import type { EngineEvent, SpeechEngine } from '#contracts';
import { eventually } from '#testing';
import { CountedAudio } from '../counted-audio.js';
import type { EngineFixtures, EngineRule } from './engine-rule.js';
import {
  ABORT_DEADLINE_MS,
  capabilitiesOf,
  demand,
  demandCode,
  outcomeOf,
  plainRequest,
  wellDone,
  within,
} from './run-call.js';

/** What a call does with its audio, its time and its end. */
export const lifeCycleRules: readonly EngineRule[] = [
  {
    title: 'describes itself the same way each time',
    check(engine) {
      const first = engine.describe();
      demand(JSON.stringify(first) === JSON.stringify(engine.describe()), 'Two descriptions differ.');
      return Promise.resolve();
    },
  },
  {
    title: 'describes itself honestly',
    check(engine) {
      const { maxConcurrency, models, defaultModel, languages } = capabilitiesOf(engine);
      demand(Number.isInteger(maxConcurrency) && maxConcurrency >= 1, 'maxConcurrency is below 1.');
      demand(defaultModel === '' || models.includes(defaultModel), 'defaultModel is not one of models.');
      demand(languages.length > 0, 'It declares no language.');
      demand(
        engine.describe().health.state !== 'serving' || engine.describe().health.reason === '',
        'A reason though it serves.',
      );
      return Promise.resolve();
    },
  },
  {
    title: 'does nothing before the first pull',
    async check(engine, fixtures) {
      const audio = new CountedAudio({ pcm: fixtures.speech });
      const events = engine.transcribe(plainRequest(fixtures), audio, new AbortController().signal);
      await settled(() => audio.pulls);
      demand(audio.opened === 0, 'The audio was opened before anybody asked for an event.');
      await events[Symbol.asyncIterator]().return?.();
    },
  },
  {
    title: 'ends with one summary, which comes last',
    async check(engine, fixtures) {
      const { events } = await wellDone(engine, fixtures);
      const summaries = events.filter((event) => event.type === 'summary');
      demand(summaries.length === 1, `There were ${String(summaries.length)} summaries.`);
      demand(events.at(-1)?.type === 'summary', 'The summary was not the last event.');
    },
  },
  {
    title: 'tells in its summary the language, one of its models and the length of the audio',
    async check(engine, fixtures) {
      const audio = new CountedAudio({ pcm: fixtures.speech });
      const { events } = await wellDone(engine, fixtures, {}, audio);
      const summary = events.find((event) => event.type === 'summary');
      const { models } = capabilitiesOf(engine);
      demand(summary !== undefined && summary.language !== '', 'The summary has no language.');
      demand(models.length === 0 || models.includes(summary?.model ?? ''), 'The model is not one of those declared.');
      demand(Math.abs((summary?.audioMs ?? 0) - audio.durationMs) <= 1, 'The length of the audio is wrong.');
    },
  },
  {
    title: 'does not read on while nobody pulls',
    async check(engine, fixtures) {
      if (fixtures.readsWholeAudio) return;
      const lookAheadMs = fixtures.maxLookAheadMs ?? 180_000;
      const speechMs = new CountedAudio({ pcm: fixtures.speech }).durationMs;
      const times = Math.ceil((2 * lookAheadMs) / speechMs);
      const audio = new CountedAudio({ pcm: fixtures.speech, times, chunkBytes: 32_000 });
      const abort = new AbortController();
      const events = engine.transcribe(plainRequest(fixtures), audio, abort.signal)[Symbol.asyncIterator]();
      try {
        await within(60_000, 'the first event', events.next());
        await settled(() => audio.pulls);
        demand(!audio.isExhausted, 'It read all the audio though nobody pulled.');
      } finally {
        abort.abort();
        await events.return?.().catch(() => undefined);
      }
    },
  },
  {
    title: 'reads its audio once and lets go of it when it is done',
    async check(engine, fixtures) {
      const audio = new CountedAudio({ pcm: fixtures.speech });
      await wellDone(engine, fixtures, {}, audio);
      demand(audio.opened === 1, `The audio was opened ${String(audio.opened)} times.`);
      await released(audio);
    },
  },
  {
    title: 'lets go of its audio when its consumer leaves early',
    async check(engine, fixtures) {
      const audio = new CountedAudio({ pcm: fixtures.speech, times: 3, end: 'hang' });
      const events = firstEvents(engine, fixtures, audio);
      await within(60_000, 'the first event', events.next());
      await within(ABORT_DEADLINE_MS, 'leaving', events.return(undefined));
      await released(audio);
    },
  },
  {
    title: 'stops soon after an abort, as cancelled, also while it waits for audio',
    async check(engine, fixtures) {
      const audio = new CountedAudio({ pcm: fixtures.speech, end: 'hang' });
      const abort = new AbortController();
      const outcome = outcomeOf(engine, plainRequest(fixtures), audio, abort.signal);
      await within(60_000, 'reading the audio', audio.hanging);
      abort.abort();
      try {
        const { error, events } = await within(ABORT_DEADLINE_MS, 'stopping', outcome);
        demandCode(error, 'cancelled');
        demand(!events.some((event) => event.type === 'summary'), 'A cancelled call sent a summary.');
      } finally {
        await audio.return();
      }
    },
  },
  {
    title: 'lets go of its audio after an abort',
    async check(engine, fixtures) {
      const audio = new CountedAudio({ pcm: fixtures.speech, end: 'hang' });
      const abort = new AbortController();
      const outcome = outcomeOf(engine, plainRequest(fixtures), audio, abort.signal);
      await within(60_000, 'reading the audio', audio.hanging);
      abort.abort();
      try {
        await released(audio);
      } finally {
        await audio.return();
        await outcome;
      }
    },
  },
  {
    title: 'takes a call that is aborted already for cancelled, and leaves its audio alone',
    async check(engine, fixtures) {
      const audio = new CountedAudio({ pcm: fixtures.speech });
      const { error } = await outcomeOf(engine, plainRequest(fixtures), audio, AbortSignal.abort());
      demandCode(error, 'cancelled');
      demand(audio.pulls === 0, 'It read audio for a call that was over.');
    },
  },
  {
    title: 'passes an error of the audio source on to its caller',
    async check(engine, fixtures) {
      const failure = new Error('The source broke.');
      const audio = new CountedAudio({ pcm: fixtures.speech, end: { error: failure } });
      const { error, events } = await outcomeOf(engine, plainRequest(fixtures), audio);
      demand(error === failure, 'The error of the source did not reach the caller.');
      demand(!events.some((event) => event.type === 'summary'), 'A failed call sent a summary.');
    },
  },
  {
    title: 'works as before after an abort',
    async check(engine, fixtures) {
      const before = await wellDone(engine, fixtures);
      const abort = new AbortController();
      const audio = new CountedAudio({ pcm: fixtures.speech, end: 'hang' });
      const outcome = outcomeOf(engine, plainRequest(fixtures), audio, abort.signal);
      await within(60_000, 'reading the audio', audio.hanging);
      abort.abort();
      await audio.return();
      await outcome;
      const after = await wellDone(engine, fixtures);
      demand(before.text === after.text, 'The text changed after an aborted call.');
    },
  },
  {
    title: 'keeps calls that run at once apart',
    async check(engine, fixtures) {
      if (capabilitiesOf(engine).maxConcurrency < 2) return;
      const alone = await wellDone(engine, fixtures);
      const twice = new CountedAudio({ pcm: fixtures.speech, chunkBytes: 1_600 });
      const quiet = new CountedAudio({ pcm: Buffer.alloc(fixtures.speech.length), chunkBytes: 1_600 });
      const [spoken, silent] = await Promise.all([
        wellDone(engine, fixtures, {}, twice),
        wellDone(engine, fixtures, {}, quiet),
      ]);
      demand(spoken.text === alone.text, 'The text of a call changed because another ran beside it.');
      demand(silent.segments.length === 0, 'Silence got the segments of another call.');
    },
  },
];

async function* firstEvents(
  engine: SpeechEngine,
  fixtures: EngineFixtures,
  audio: CountedAudio,
): AsyncGenerator<EngineEvent> {
  // An engine that reads whole files has nothing to say before the end: there the consumer leaves before it.
  const { signal } = new AbortController();
  const source = fixtures.readsWholeAudio ? new CountedAudio({ pcm: fixtures.speech }) : audio;
  yield* engine.transcribe(plainRequest(fixtures), source, signal);
}

function released(audio: CountedAudio): Promise<unknown> {
  return eventually('the audio to be let go of', () => audio.isReleased, ABORT_DEADLINE_MS);
}

/** Resolves when the count has stood still for a tenth of a second, or after some seconds. */
async function settled(count: () => number): Promise<void> {
  let last = count();
  let since = Date.now();
  const deadline = since + 5_000;
  await eventually(
    'the count to stand still',
    () => {
      const now = Date.now();
      if (count() !== last) {
        last = count();
        since = now;
      }
      return now - since >= 100 || now >= deadline;
    },
    10_000,
  );
}
