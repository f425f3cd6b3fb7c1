import { z } from 'zod';
import { PolyscribeError } from '#contracts';

/** A value that is left out, null, or not what it should be counts as unknown: servers differ in how they say so. */
function lenient<T extends z.ZodType>(schema: T) {
  return schema.optional().catch(undefined);
}

const seconds = lenient(z.number());
const speaker = lenient(z.string().max(200));

const wordSchema = z.object({
  word: z.string(),
  start: seconds,
  end: seconds,
  /** How well the sound fits the word (forced alignment). */
  score: lenient(z.number()),
  /** How sure the decoder was; another scale than `score`. */
  probability: lenient(z.number()),
  speaker,
  interpolated: lenient(z.boolean()),
});
export type ServerWord = z.output<typeof wordSchema>;

/** Entries that are no words (a server's oddity, or its null) are left out. */
const words = lenient(z.array(z.unknown()).transform((list) => list.flatMap((item) => parsed(wordSchema, item))));

const segmentSchema = z.object({ start: seconds, end: seconds, text: z.string(), speaker, words });
export type ServerSegment = z.output<typeof segmentSchema>;

const segments = z.array(z.unknown()).transform((list) => list.flatMap((item) => parsed(segmentSchema, item)));

/** WhisperX's result, as the library gives it. */
const resultSchema = z.object({ segments, word_segments: words });

const answerSchema = z.object({
  text: lenient(z.union([z.string(), segments])),
  segments: lenient(z.union([segments, resultSchema])),
  word_segments: words,
  words,
  language: lenient(z.string().max(50)),
});

/** What the servers people run say about a file, in one shape. */
export interface ServerTranscript {
  /** The server's word for the language; undefined when it does not say. */
  readonly language: string | undefined;
  readonly segments: readonly ServerSegment[];
  /** Words that were not given with their segments. */
  readonly words: readonly ServerWord[];
}

/**
 * Reads the JSON that Whisper servers answer with: `segments` as a list or as the library's whole result, `text` as a
 * string or as that list, words within segments or beside them.
 *
 * @throws PolyscribeError `engine_bad_response` when there are neither segments nor a text; holds nothing of the answer
 */
export function readTranscript(value: unknown, audioMs: number): ServerTranscript {
  const answer = answerSchema.safeParse(value).data;
  if (!answer) throw new PolyscribeError('engine_bad_response', 'The WhisperX server sent no transcript.');
  const nested = answer.segments;
  const list = Array.isArray(nested) ? nested : nested?.segments;
  const beside = answer.words ?? answer.word_segments ?? (Array.isArray(nested) ? undefined : nested?.word_segments);
  return {
    language: answer.language,
    segments: list ?? segmentsOfText(answer.text, audioMs),
    words: beside ?? [],
  };
}

function segmentsOfText(text: string | ServerSegment[] | undefined, audioMs: number): ServerSegment[] {
  if (Array.isArray(text)) return text;
  if (text === undefined) throw new PolyscribeError('engine_bad_response', 'The WhisperX server sent no transcript.');
  return [{ text, start: 0, end: audioMs / 1000 }];
}

function parsed<T extends z.ZodType>(schema: T, value: unknown): z.output<T>[] {
  const result = schema.safeParse(value);
  return result.success ? [result.data] : [];
}
