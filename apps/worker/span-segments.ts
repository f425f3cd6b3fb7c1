import type { EngineSegment, EngineWord, TranscriptSegment, TranscriptWord } from '#contracts';

/** Where a span lies in the audio. */
export interface SpanPlace {
  readonly index: number;
  readonly startMs: number;
  /** undefined while the length of the audio is not known. */
  readonly endMs: number | undefined;
  /** How much of its neighbours is heard with it; 0 unless given. */
  readonly leadMs?: number;
  readonly tailMs?: number;
  /** From 0; undefined when the channels are mixed. */
  readonly channel?: number;
  /** How many channels are kept apart; 1 when they are mixed. */
  readonly channelCount: number;
}

/** Where the audio begins that an engine gets for a span. */
export function heardFromMs({ startMs, leadMs = 0 }: SpanPlace): number {
  return startMs - leadMs;
}

/** The `n`th segment of a span in the transcript's time, kept within what the span hears. */
export function toTranscriptSegment(span: SpanPlace, n: number, segment: EngineSegment): TranscriptSegment {
  const within = clock(span);
  const startMs = within(segment.startMs);
  return {
    id: `${span.index}-${n}`,
    span: span.index,
    startMs,
    endMs: Math.max(startMs, within(segment.endMs)),
    text: segment.text,
    ...speaker(span, segment.speakerTag),
    ...(span.channel === undefined ? {} : { channel: span.channel }),
    ...confidence(segment.confidence),
    ...(segment.words === undefined ? {} : { words: segment.words.map((word) => toTranscriptWord(span, word)) }),
  };
}

function toTranscriptWord(span: SpanPlace, word: EngineWord): TranscriptWord {
  const within = clock(span);
  const startMs = within(word.startMs);
  return {
    text: word.text,
    startMs,
    endMs: Math.max(startMs, within(word.endMs)),
    ...confidence(word.confidence),
    ...speaker(span, word.speakerTag),
    ...(word.interpolated === undefined ? {} : { interpolated: word.interpolated }),
  };
}

/** Four places say more than any engine knows; the wire's single precision would show as 0.8999999761581421. */
function confidence(value: number | undefined): { confidence?: number } {
  return value === undefined ? {} : { confidence: Math.round(value * 10_000) / 10_000 };
}

/** Each channel counts its speakers from 0; the first speaker of one is not the first speaker of another. */
function speaker(span: SpanPlace, tag: number | undefined): { speakerTag?: number } {
  return tag === undefined ? {} : { speakerTag: tag * span.channelCount + (span.channel ?? 0) };
}

function clock(span: SpanPlace): (offsetMs: number) => number {
  const first = heardFromMs(span);
  const last = (span.endMs ?? Number.MAX_SAFE_INTEGER) + (span.tailMs ?? 0);
  return (offsetMs) => Math.round(Math.min(Math.max(first + offsetMs, first), last));
}
