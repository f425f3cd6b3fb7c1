import { createHash } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type JobOptions, toDelta, type TranscriptSegment, type TranscriptWord } from '#contracts';
import { fieldErrors, invalid } from '../submit/field-errors.js';
import { type ReportedSegment, reportedSegmentSchema } from './report.schema.js';

/** Decoders differ in what they make of a file's end; what is beyond that is no rounding. */
const TOLERANCE_MS = 1_000;
/** Segments that are looked at before others get their turn. */
const SLICE = 250;

export interface SegmentPlace {
  /** Length of the audio. */
  readonly durationMs: number;
  /** Number of the first one. */
  readonly from: number;
  readonly options: Pick<JobOptions, 'separateChannels'>;
}

/**
 * What a remote worker sent as segments, held against the rules that engines of the mesh are held to.
 *
 * @throws PolyscribeError `invalid_request` that names the first wrong one, and none of its text
 */
export async function readSegments(sent: readonly unknown[], place: SegmentPlace): Promise<TranscriptSegment[]> {
  const segments: TranscriptSegment[] = [];
  let lastStart = 0;
  for (const [n, value] of sent.entries()) {
    if (n % SLICE === SLICE - 1) await nextTurn();
    const parsed = reportedSegmentSchema.safeParse(value);
    if (!parsed.success) {
      const issues = parsed.error.issues.map((issue) => ({ ...issue, path: ['data', 'segments', n, ...issue.path] }));
      throw invalid(fieldErrors(issues, Object.keys(reportedSegmentSchema.shape)));
    }
    const fault = faultOf(parsed.data, lastStart, place);
    if (fault) throw invalid([{ pointer: `/data/segments/${String(n)}${fault.pointer}`, detail: fault.detail }]);
    lastStart = parsed.data.start;
    segments.push(toSegment(parsed.data, place.from + n, place.durationMs));
  }
  return segments;
}

/** A digest of deltas that are sent one after the other, from that of those before. */
export function digestOf(segments: readonly TranscriptSegment[], before = ''): string {
  return segments.reduce(
    (digest, segment) =>
      createHash('sha256')
        .update(digest)
        .update(JSON.stringify(toDelta(segment).data))
        .digest('hex'),
    before,
  );
}

function faultOf(
  { start, end, channel, words = [] }: ReportedSegment,
  lastStart: number,
  { durationMs, options }: SegmentPlace,
): { pointer: string; detail: string } | undefined {
  const limit = (durationMs + TOLERANCE_MS) / 1000;
  if (start < lastStart)
    return { pointer: '/start', detail: 'is before the segment before; send them in order of time' };
  if (end < start) return { pointer: '/end', detail: 'is before the start' };
  if (end > limit) return { pointer: '/end', detail: 'is beyond the end of the audio' };
  if (channel !== undefined && !options.separateChannels) {
    return { pointer: '/channel', detail: 'has no meaning where separate_channels was not asked for' };
  }
  const wrong = words.findIndex((word) => word.end < word.start || word.end > limit);
  return wrong < 0 ? undefined : { pointer: `/words/${String(wrong)}`, detail: 'has times that cannot be' };
}

function toSegment(segment: ReportedSegment, n: number, durationMs: number): TranscriptSegment {
  const ms = (seconds: number) => Math.min(Math.round(seconds * 1000), Math.round(durationMs));
  const { confidence, speaker_tag: speakerTag, channel, words } = segment;
  return {
    ...{ id: `0-${String(n)}`, span: 0, startMs: ms(segment.start), endMs: ms(segment.end), text: segment.text },
    ...(speakerTag === undefined ? {} : { speakerTag }),
    ...(channel === undefined ? {} : { channel }),
    ...(confidence === undefined ? {} : { confidence: rounded(confidence) }),
    ...(words === undefined ? {} : { words: words.map((word) => toWord(word, ms)) }),
  };
}

function toWord(word: NonNullable<ReportedSegment['words']>[number], ms: (seconds: number) => number): TranscriptWord {
  const { confidence, speaker_tag: speakerTag, interpolated } = word;
  return {
    ...{ text: word.word, startMs: ms(word.start), endMs: ms(word.end) },
    ...(confidence === undefined ? {} : { confidence: rounded(confidence) }),
    ...(speakerTag === undefined ? {} : { speakerTag }),
    ...(interpolated === undefined ? {} : { interpolated }),
  };
}

function rounded(confidence: number): number {
  return Math.round(confidence * 10_000) / 10_000;
}
