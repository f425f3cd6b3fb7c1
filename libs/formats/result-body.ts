import type { SpeakerRoles, TranscriptSegment, TranscriptWarning, TranscriptWord } from '#contracts';
import { type MediaBody, mediaBody } from './media-body.js';
import { toSeconds } from './seconds.js';
import type { TranscriptDocument } from './transcript-document.js';

/** A word as clients get it; times in seconds. */
export interface ResultWord {
  word: string;
  start: number;
  end: number;
  confidence?: number;
  speaker_tag?: number;
  interpolated?: boolean;
  /** Which engine it is taken from, where several voted. */
  engine?: string;
}

/** A segment as clients get it; times in seconds. */
export interface ResultSegment {
  id: string;
  start: number;
  end: number;
  text: string;
  speaker_tag?: number;
  channel?: number;
  confidence?: number;
  /** Where the segments are by different engines. */
  engine?: string;
  words?: ResultWord[];
}

/** What one of several engines made of the recording. */
export interface ResultLane {
  engine: string;
  model: string;
  language: string;
  text: string;
  segments: ResultSegment[];
  warnings: TranscriptWarning[];
  error?: { code: string; message: string };
}

/** A stretch on which all engines agree, with its text, or do not, with the text of each. */
export interface ResultDiff {
  start: number;
  end: number;
  channel?: number;
  text?: string;
  texts?: Record<string, string>;
}

/** The body of the result route and of the `json` format. */
export interface ResultBody {
  job_id: string;
  transcript_id: string;
  status: string;
  filename: string;
  audio_url: string | null;
  /** Where the job was asked for a file. */
  result_file_url?: string | null;
  language: string;
  duration: number;
  engine: string;
  engine_used: string;
  model: string;
  fallback_reason?: string;
  text: string;
  segments: ResultSegment[];
  speaker_roles?: SpeakerRoles;
  warnings: TranscriptWarning[];
  media?: MediaBody;
  reused_from?: string;
  transcripts?: ResultLane[];
  agreement?: number;
  pairs?: { engines: readonly string[]; agreement: number }[];
  diff?: ResultDiff[];
  title?: string;
  tags?: readonly string[];
  metadata?: Readonly<Record<string, unknown>>;
  db_id?: string;
  session_id?: string;
}

/** The texts of the segments joined by a space. */
export function fullText(segments: readonly TranscriptSegment[]): string {
  return segments.map((segment) => segment.text).join(' ');
}

/** The transcript as clients get it. Words are in only where the job asked for them. */
export function resultBody(document: TranscriptDocument): ResultBody {
  const { transcript, job, audioUrl, resultFileUrl } = document;
  const { options } = job;
  // The words of a vote say whose they are.
  const withWords = options.wordTimestamps || options.engine === 'consensus';
  return {
    job_id: job.id,
    transcript_id: transcript.id,
    status: job.status,
    filename: job.filename,
    audio_url: audioUrl ?? null,
    ...(resultFileUrl === undefined ? {} : { result_file_url: resultFileUrl }),
    language: transcript.language,
    duration: toSeconds(transcript.durationMs),
    engine: options.engine,
    engine_used: transcript.engineUsed,
    model: transcript.model,
    ...(transcript.fallbackReason === undefined ? {} : { fallback_reason: transcript.fallbackReason }),
    text: fullText(transcript.segments),
    segments: transcript.segments.map((segment) => resultSegment(segment, withWords)),
    ...(transcript.speakerRoles === undefined ? {} : { speaker_roles: transcript.speakerRoles }),
    warnings: transcript.warnings.map(({ code, message }) => ({ code, message })),
    ...(job.media ? { media: mediaBody(job.media) } : {}),
    ...(job.reusedFrom === undefined ? {} : { reused_from: job.reusedFrom }),
    ...jointBody(transcript, options.wordTimestamps),
    ...(options.title === undefined ? {} : { title: options.title }),
    ...(options.tags.length === 0 ? {} : { tags: options.tags }),
    ...(options.metadata === undefined ? {} : { metadata: options.metadata }),
    ...(options.dbId === undefined ? {} : { db_id: options.dbId }),
    ...(options.sessionId === undefined ? {} : { session_id: options.sessionId }),
  };
}

function jointBody(
  { lanes, comparison }: TranscriptDocument['transcript'],
  withWords: boolean,
): Pick<ResultBody, 'transcripts' | 'agreement' | 'pairs' | 'diff'> {
  if (!lanes || !comparison) return {};
  const { engines, agreement, pairs, diff } = comparison;
  return {
    transcripts: lanes.map((lane) => ({
      engine: lane.engine,
      model: lane.model,
      language: lane.language,
      text: fullText(lane.segments),
      segments: lane.segments.map((segment) => resultSegment(segment, withWords)),
      warnings: lane.warnings.map(({ code, message }) => ({ code, message })),
      ...(lane.error === undefined ? {} : { error: { code: lane.error.code, message: lane.error.message } }),
    })),
    agreement,
    pairs: pairs.map((pair) => ({ engines: pair.engines, agreement: pair.agreement })),
    diff: diff.map(({ startMs, endMs, channel, agreed, texts }) => ({
      start: toSeconds(startMs),
      end: toSeconds(endMs),
      ...(channel === undefined ? {} : { channel }),
      ...(agreed
        ? { text: texts[0] ?? '' }
        : { texts: Object.fromEntries(engines.map((engine, n) => [engine, texts[n] ?? ''])) }),
    })),
  };
}

function resultSegment(segment: TranscriptSegment, withWords: boolean): ResultSegment {
  return {
    id: segment.id,
    start: toSeconds(segment.startMs),
    end: toSeconds(segment.endMs),
    text: segment.text,
    ...(segment.speakerTag === undefined ? {} : { speaker_tag: segment.speakerTag }),
    ...(segment.channel === undefined ? {} : { channel: segment.channel }),
    ...(segment.confidence === undefined ? {} : { confidence: segment.confidence }),
    ...(segment.engine === undefined ? {} : { engine: segment.engine }),
    ...(withWords && segment.words !== undefined ? { words: segment.words.map(resultWord) } : {}),
  };
}

function resultWord(word: TranscriptWord): ResultWord {
  return {
    word: word.text,
    start: toSeconds(word.startMs),
    end: toSeconds(word.endMs),
    ...(word.confidence === undefined ? {} : { confidence: word.confidence }),
    ...(word.speakerTag === undefined ? {} : { speaker_tag: word.speakerTag }),
    ...(word.interpolated === undefined ? {} : { interpolated: word.interpolated }),
    ...(word.engine === undefined ? {} : { engine: word.engine }),
  };
}
