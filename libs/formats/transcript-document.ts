import type { Job, Transcript, TranscriptSegment } from '#contracts';

/** A finished transcript with the job that asked for it: all that any format needs. */
export interface TranscriptDocument {
  readonly transcript: Transcript;
  readonly job: Job;
  /** A link to the media that works for a while; undefined when the media is gone. */
  readonly audioUrl?: string;
}

/** What people call it: the title they gave, else the file's name. */
export function documentTitle({ job }: TranscriptDocument): string {
  return job.options.title ?? job.filename;
}

/**
 * Who speaks, for people (`Speaker 1`), by speaker tag or, where channels were kept apart, by channel. undefined when
 * neither is known.
 */
export function voiceOf(segment: TranscriptSegment): string | undefined {
  if (segment.speakerTag !== undefined) return `Speaker ${segment.speakerTag + 1}`;
  if (segment.channel !== undefined) return `Channel ${segment.channel + 1}`;
  return undefined;
}

/** All white space, line ends and control characters as single spaces: a text for one line. */
export function onOneLine(text: string): string {
  return text.replace(/[\s\p{Cc}\u2028\u2029]+/gu, ' ').trim();
}
