import { pcmBytesToMs } from '#contracts';
import { CountedAudio } from '../counted-audio.js';
import type { EngineRule } from './engine-rule.js';
import { demand, wellDone } from './run-call.js';

/** Audio counts in samples, times travel in nanoseconds. */
const ROUNDING_MS = 1;

/** What a call says about the speech. */
export const contentRules: readonly EngineRule[] = [
  {
    title: 'finds the words that were spoken',
    async check(engine, fixtures) {
      const { text } = await wellDone(engine, fixtures);
      demand(fixtures.expected.test(text), 'The expected words are not in the text.');
    },
  },
  {
    title: 'gives segments in time order',
    async check(engine, fixtures) {
      const { segments } = await wellDone(engine, fixtures);
      const starts = segments.map((segment) => segment.startMs);
      demand(
        starts.every((start, index) => index === 0 || start >= (starts[index - 1] ?? 0)),
        'A segment begins before the one before it.',
      );
    },
  },
  {
    title: 'gives segments that lie within the audio',
    async check(engine, fixtures) {
      const { segments } = await wellDone(engine, fixtures);
      const durationMs = pcmBytesToMs(fixtures.speech.length);
      demand(
        segments.every(({ startMs, endMs }) => startMs >= 0 && startMs <= endMs && endMs <= durationMs + ROUNDING_MS),
        'A segment lies outside the audio.',
      );
    },
  },
  {
    title: 'gives segments whose text is trimmed and not empty',
    async check(engine, fixtures) {
      const { segments } = await wellDone(engine, fixtures);
      demand(
        segments.every(({ text }) => text !== '' && text === text.trim()),
        'A text is empty or not trimmed.',
      );
    },
  },
  {
    title: 'returns zero segments and a summary for silence',
    async check(engine, fixtures) {
      const audio = new CountedAudio({ pcm: Buffer.alloc(fixtures.speech.length) });
      const { segments, events } = await wellDone(engine, fixtures, {}, audio);
      demand(segments.length === 0, 'Silence gave a segment.');
      demand(events.at(-1)?.type === 'summary', 'Silence gave no summary.');
    },
  },
  {
    title: 'returns zero segments and a summary for no audio at all',
    async check(engine, fixtures) {
      const audio = new CountedAudio({ pcm: Buffer.alloc(0) });
      const { segments, events } = await wellDone(engine, fixtures, {}, audio);
      demand(segments.length === 0, 'No audio gave a segment.');
      demand(events.at(-1)?.type === 'summary', 'No audio gave no summary.');
    },
  },
  {
    title: 'gives the same result however the audio is cut into chunks',
    async check(engine, fixtures) {
      const whole = await wellDone(engine, fixtures);
      for (const chunkBytes of [1_001, 64_003]) {
        const audio = new CountedAudio({ pcm: fixtures.speech, chunkBytes });
        const cut = await wellDone(engine, fixtures, {}, audio);
        demand(
          JSON.stringify(cut.segments) === JSON.stringify(whole.segments),
          `Chunks of ${String(chunkBytes)} bytes gave another result.`,
        );
      }
    },
  },
  {
    title: 'reports progress that never falls and stays within the audio',
    async check(engine, fixtures) {
      const { events } = await wellDone(engine, fixtures);
      const durationMs = pcmBytesToMs(fixtures.speech.length);
      let last = 0;
      for (const event of events) {
        if (event.type !== 'progress') continue;
        demand(event.processedMs >= last, 'Progress fell.');
        demand(event.processedMs <= durationMs + ROUNDING_MS, 'Progress went beyond the audio.');
        last = event.processedMs;
      }
    },
  },
];
