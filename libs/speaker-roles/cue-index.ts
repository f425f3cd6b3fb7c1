import type { CueGroup } from './role-set.js';
import { tokensOf } from './tokens.js';

/** What one role or the other says. */
export interface Cue {
  /** 0 for the first role, 1 for the second. */
  readonly role: 0 | 1;
  readonly weight: number;
}

interface Node {
  readonly next: Map<string, Node>;
  cue?: Cue;
}

/** Finds cues in words. Each word begins at most as many steps as the longest phrase has words: the time is linear. */
export class CueIndex {
  private readonly root: Node = { next: new Map() };

  constructor(cues: readonly [readonly CueGroup[], readonly CueGroup[]]) {
    for (const role of [0, 1] as const) {
      for (const { weight, phrases } of cues[role]) {
        for (const phrase of phrases.flatMap(choicesOf)) this.add(tokensOf(phrase), { role, weight });
      }
    }
  }

  /** The cues in the words, the longest at each place, none inside another. */
  *find(words: readonly string[]): Generator<Cue> {
    let at = 0;
    while (at < words.length) {
      const found = this.longestAt(words, at);
      if (found) yield found.cue;
      at += found?.length ?? 1;
    }
  }

  private longestAt(words: readonly string[], start: number): { cue: Cue; length: number } | undefined {
    let node: Node | undefined = this.root;
    let longest: { cue: Cue; length: number } | undefined;
    for (let at = start; at < words.length; at += 1) {
      node = node.next.get(words[at] ?? '');
      if (!node) break;
      if (node.cue) longest = { cue: node.cue, length: at - start + 1 };
    }
    return longest;
  }

  private add(words: readonly string[], cue: Cue): void {
    let node = this.root;
    for (const word of words) {
      const next = node.next.get(word) ?? { next: new Map() };
      node.next.set(word, next);
      node = next;
    }
    if (node.cue && node.cue.role !== cue.role) throw new Error(`Both roles have the cue "${words.join(' ')}".`);
    node.cue = cue;
  }
}

/** `a (b|c) d` as `a b d` and `a c d`. */
export function choicesOf(phrase: string): string[] {
  const [, before = '', choices = '', after = ''] = /^([^()]*)\(([^()]*)\)(.*)$/.exec(phrase) ?? [];
  if (choices === '') return [phrase];
  return choices.split('|').flatMap((choice) => choicesOf(after).map((rest) => `${before}${choice}${rest}`));
}
