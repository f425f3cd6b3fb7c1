import type { RoleSetName, SpeakerRole, SpeakerRoles } from '#contracts';
import { CueIndex } from './cue-index.js';
import { type RoleLanguage, roleLanguages, type RoleSet } from './role-set.js';
import { clinical } from './sets/clinical.js';
import { interview } from './sets/interview.js';
import { support } from './sets/support.js';
import { QUESTION, tokensOf } from './tokens.js';

const roleSets: Readonly<Record<RoleSetName, RoleSet>> = { clinical, support, interview };

/** What one speaker says at one time. */
export interface Utterance {
  readonly speakerTag: number;
  readonly text: string;
}

/** The same cue over and over is a habit of speech and no more evidence. */
const MAX_REPEATS = 3;
const MAX_QUESTIONS = 12;

/**
 * Evidence that everybody is taken to have for both roles, so that one stray phrase does not make a role. A lean is then
 * (first - second) / (first + second + this), from -1 to 1.
 */
const DAMPING = 2;

/**
 * Least weight of phrases on which anything is said: of two speakers together, or of one alone. Questions do not count here:
 * they are asked in every conversation.
 */
const MIN_EVIDENCE = 6;
const MIN_EVIDENCE_ALONE = 4;
/** Least distance between the leans of two speakers; the one is then known also from the other. */
const PAIR_MARGIN = 0.6;
/** Least lean of a speaker who is judged alone. */
const LONE_MARGIN = 0.6;

/**
 * Tells from what is said who has which part in a conversation.
 *
 * Each speaker's words are searched for cues of both roles (see the sets). Of two speakers the one who leans more to the
 * first role gets it and the other gets the second, if they are far enough apart: that works also where one says hardly
 * more than yes and no. One speaker alone, and three or more, are each judged by their own words. Below the margins a
 * speaker gets no role: a wrong one is worse than none.
 *
 * @param language BCP-47; roles are known in English, Portuguese and Spanish
 * @returns undefined when no role is clear
 */
export function assignSpeakerRoles(
  utterances: Iterable<Utterance>,
  set: RoleSetName,
  language: string,
): SpeakerRoles | undefined {
  const known = roleLanguageOf(language);
  if (known === undefined) return undefined;
  const { roles } = roleSets[set];
  const speakers = weigh(utterances, set, known);
  const sides = speakers.length === 2 ? judgePair(speakers) : speakers.map(judgeAlone);
  const assigned = speakers.flatMap(({ tag }, index): [string, SpeakerRole][] => {
    const side = sides[index];
    return side === undefined ? [] : [[String(tag), roles[side]]];
  });
  return assigned.length === 0 ? undefined : Object.fromEntries(assigned);
}

/** The language in which cues are known for a BCP-47 tag; undefined when there are none. */
export function roleLanguageOf(language: string): RoleLanguage | undefined {
  const [base = ''] = language.toLowerCase().split('-');
  return roleLanguages.find((known) => known === base);
}

interface Speaker {
  readonly tag: number;
  /** Weight for the first and the second role. */
  readonly evidence: readonly [number, number];
  /** The part of it that are phrases. */
  readonly phrases: number;
}

type Side = 0 | 1 | undefined;

function judgePair(pair: readonly Speaker[]): Side[] {
  const [a, b] = pair;
  if (!a || !b || a.phrases + b.phrases < MIN_EVIDENCE) return [];
  const distance = leanOf(a) - leanOf(b);
  if (Math.abs(distance) < PAIR_MARGIN) return [];
  return distance > 0 ? [0, 1] : [1, 0];
}

function judgeAlone(speaker: Speaker): Side {
  const lean = leanOf(speaker);
  if (speaker.phrases < MIN_EVIDENCE_ALONE || Math.abs(lean) < LONE_MARGIN) return undefined;
  return lean > 0 ? 0 : 1;
}

function leanOf({ evidence: [first, second] }: Speaker): number {
  return (first - second) / (first + second + DAMPING);
}

function weigh(utterances: Iterable<Utterance>, set: RoleSetName, language: RoleLanguage): Speaker[] {
  const { cues, questionWeight } = roleSets[set];
  const index = indexOf(set, language, cues[language]);
  const speakers = new Map<number, Tally>();
  for (const { speakerTag, text } of utterances) {
    const tally = speakers.get(speakerTag) ?? new Tally(index, questionWeight);
    speakers.set(speakerTag, tally);
    tally.hear(text);
  }
  return [...speakers].map(([tag, tally]) => ({ tag, evidence: tally.evidence, phrases: tally.phrases }));
}

/** Made when first used: most processes never need one. */
const indexes = new Map<string, CueIndex>();

function indexOf(set: RoleSetName, language: RoleLanguage, cues: RoleSet['cues'][RoleLanguage]): CueIndex {
  const key = `${set} ${language}`;
  const made = indexes.get(key) ?? new CueIndex(cues);
  indexes.set(key, made);
  return made;
}

class Tally {
  readonly evidence: [number, number] = [0, 0];
  phrases = 0;
  private readonly times = new Map<object, number>();
  private questions = 0;

  constructor(
    private readonly index: CueIndex,
    private readonly questionWeight: number,
  ) {}

  hear(text: string): void {
    const words = tokensOf(text);
    for (const cue of this.index.find(words)) {
      const times = (this.times.get(cue) ?? 0) + 1;
      this.times.set(cue, times);
      if (times > MAX_REPEATS) continue;
      this.evidence[cue.role] += cue.weight;
      this.phrases += cue.weight;
    }
    for (const word of words) {
      if (word !== QUESTION || this.questions >= MAX_QUESTIONS) continue;
      this.questions += 1;
      this.evidence[0] += this.questionWeight;
    }
  }
}
