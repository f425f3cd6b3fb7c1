import type { Job, Transcript, TranscriptFormat, TranscriptSegment } from '#contracts';
import type { CueRules } from './cue-rules.js';

/** A finished transcript with the job that asked for it: all that any format needs. */
export interface TranscriptDocument {
  readonly transcript: Transcript;
  readonly job: Job;
  /** A link to the media that works for a while; undefined when the media is gone. */
  readonly audioUrl?: string;
  /**
   * The same to the file that the job left in the object store; null while it is not there, undefined where none was asked
   * for.
   */
  readonly resultFileUrl?: string | null;
  /** How texts for people call the speakers; by number unless told otherwise. */
  readonly speakerNames?: SpeakerNames;
  /** How subtitles are cut; undefined takes the defaults. */
  readonly cueRules?: CueRules;
}

/** By number (`Speaker 1`), by role where one is known (`Provider`), or not at all. */
export const speakerNames = ['tags', 'roles', 'none'] as const;
export type SpeakerNames = (typeof speakerNames)[number];

/** What people call it: the title they gave, else the file's name. */
export function documentTitle({ job }: TranscriptDocument): string {
  return job.options.title ?? job.filename;
}

/** The name that a file of the transcript is saved under. */
export function fileNameOf({ options, filename }: Job, format: TranscriptFormat): string {
  const base = (options.title ?? filename.replace(/\.[^.]{1,10}$/u, '')) || 'transcript';
  return `${base.replace(/[/\\]/g, '_')}.${format}`;
}

/** Who speaks a segment, for people; undefined when that is not known. */
export type VoiceOf = (segment: TranscriptSegment) => string | undefined;

/**
 * Names voices by speaker tag or, where channels were kept apart, by channel. With `roles` a speaker goes by the role;
 * speakers who share one keep their number beside it, and those without one have only their number.
 */
export function voicesOf({ transcript, speakerNames: by }: TranscriptDocument): VoiceOf {
  if (by === 'none') return () => undefined;
  const roles = by === 'roles' ? (transcript.speakerRoles ?? {}) : {};
  const shared = (role: string): boolean => Object.values(roles).filter((other) => other === role).length > 1;
  return ({ speakerTag, channel }) => {
    if (speakerTag !== undefined) {
      const number = `Speaker ${speakerTag + 1}`;
      const role = roles[String(speakerTag)];
      if (role === undefined) return number;
      const name = `${role.charAt(0).toUpperCase()}${role.slice(1)}`;
      return shared(role) ? `${name} (${number})` : name;
    }
    return channel === undefined ? undefined : `Channel ${channel + 1}`;
  };
}

/** All white space, line ends and control characters as single spaces: a text for one line. */
export function onOneLine(text: string): string {
  return text.replace(/[\s\p{Cc}\u2028\u2029]+/gu, ' ').trim();
}
