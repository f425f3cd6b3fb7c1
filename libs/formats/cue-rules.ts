/** How cues are cut. */
export interface CueRules {
  /** Characters of a line at most. */
  readonly maxLineLength: number;
  readonly maxLines: number;
  /** Characters that people read in a second: a cue stays for as long as it takes, where the next one leaves room. */
  readonly charactersPerSecond?: number;
  /** A cue stays at least that long, where the next one leaves room. */
  readonly minCueMs?: number;
  /** No cue stays longer. */
  readonly maxCueMs?: number;
}

/** Usual bounds of subtitle style guides: two lines of 42 characters fit every player and can be read in time. */
export const defaultCueRules: CueRules = { maxLineLength: 42, maxLines: 2 };
