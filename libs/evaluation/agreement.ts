import type { WordNetwork } from './word-network.js';

/** How far two hypotheses agree. */
export interface PairCount {
  readonly first: number;
  readonly second: number;
  /** Slots in which both have the same word. */
  readonly same: number;
  /** Slots in which at least one has a word. */
  readonly slots: number;
}

/** Counts for each two hypotheses, in order, where they agree. Counts of several stretches can be added. */
export function pairCounts(network: WordNetwork, hypotheses: readonly (readonly string[])[]): PairCount[] {
  const pairs: PairCount[] = [];
  for (const [first, one] of hypotheses.entries()) {
    for (let second = first + 1; second < hypotheses.length; second++) {
      const other = hypotheses[second] ?? [];
      let [same, slots] = [0, 0];
      for (const slot of network) {
        const [i, j] = [slot[first], slot[second]];
        if (i === undefined && j === undefined) continue;
        slots++;
        if (i !== undefined && j !== undefined && one[i] === other[j]) same++;
      }
      pairs.push({ first, second, same, slots });
    }
  }
  return pairs;
}

/** Share of the slots in which two hypotheses agree, 0 to 1; two that are both silent agree. */
export function agreementOf({ same, slots }: Pick<PairCount, 'same' | 'slots'>): number {
  return slots === 0 ? 1 : same / slots;
}

/** A stretch of slots on which all hypotheses agree, or none of which all do. */
export interface NetworkRun {
  readonly agreed: boolean;
  readonly slots: WordNetwork;
}

export function networkRuns(network: WordNetwork, hypotheses: readonly (readonly string[])[]): NetworkRun[] {
  const runs: { agreed: boolean; slots: (readonly (number | undefined)[])[] }[] = [];
  for (const slot of network) {
    const forms = slot.map((word, hypothesis) => (word === undefined ? undefined : hypotheses[hypothesis]?.[word]));
    const agreed = forms.every((form) => form !== undefined && form === forms[0]);
    const run = runs.at(-1);
    if (run?.agreed === agreed) run.slots.push(slot);
    else runs.push({ agreed, slots: [slot] });
  }
  return runs;
}
