import type { SpeakerRole } from '#contracts';

/** Languages in which cues are known. */
export const roleLanguages = ['en', 'pt', 'es'] as const;
export type RoleLanguage = (typeof roleLanguages)[number];

/** Things that one role says and the other hardly ever does. */
export interface CueGroup {
  /** What they have in common, for readers of the data. */
  readonly what: string;
  /** How much one of them counts; a question mark counts `questionWeight`. */
  readonly weight: number;
  /**
   * Phrases in lower case. Accents and apostrophes may be left out of what is said, so they do not count here either.
   * `(a|b)` stands for either; an empty choice is allowed.
   */
  readonly phrases: readonly string[];
}

/** A pair of roles with what tells them apart. All of it is data: a new pair is one more file. */
export interface RoleSet {
  /** The first is the one that asks and leads. */
  readonly roles: readonly [SpeakerRole, SpeakerRole];
  /** How much a question speaks for the first role. */
  readonly questionWeight: number;
  /** For each language the cues of the first and of the second role. */
  readonly cues: Readonly<Record<RoleLanguage, readonly [readonly CueGroup[], readonly CueGroup[]]>>;
}
