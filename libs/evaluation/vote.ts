import type { WordNetwork, WordSlot } from './word-network.js';

/** A word that takes part in a vote. */
export interface Ballot {
  /** As it is compared. */
  readonly form: string;
  /** 0 to 1; undefined where the engine does not say. */
  readonly confidence?: number;
}

/** The weights of a vote. */
export interface VoteRules {
  /** How much the number of hypotheses that have a word counts, 0 to 1; what they trust it counts the rest. */
  readonly frequencyWeight: number;
  /** How much "no word here" is trusted. */
  readonly nullConfidence: number;
  /** How much a word is trusted whose engine does not say. */
  readonly unknownConfidence: number;
}

/**
 * With this weight two of three engines win but where they trust their word not at all and the third trusts its own wholly;
 * confidence decides between equals. An engine that left a
 * word out says nothing of how sure it is; a word of middling confidence stays. Chosen on made errors: see `npm run bench --
 * consensus`.
 */
export const defaultVoteRules: VoteRules = { frequencyWeight: 0.75, nullConfidence: 0.5, unknownConfidence: 0.6 };

/** A word that won its slot. */
export interface Elected {
  /** The hypothesis that the word is taken from: of those that have it, the one that trusts it most. */
  readonly hypothesis: number;
  /** Its position there. */
  readonly word: number;
  /** How many hypotheses have it. */
  readonly votes: number;
  /** Which slot of the network it won. */
  readonly slot: number;
}

/**
 * Votes slot by slot. The score of a word is `a * N(w) / N + (1 - a) * C(w)` (Fiscus 1997, see `wordNetwork`): `N(w)` of `N`
 * hypotheses have it, `C(w)` is the mean of their confidences. "No word" takes part like a word. Of equal scores the one
 * wins that the earlier hypothesis has, so that the same hypotheses always give the same text.
 */
export function vote(
  network: WordNetwork,
  hypotheses: readonly (readonly Ballot[])[],
  rules: VoteRules = defaultVoteRules,
): Elected[] {
  return network.flatMap((slot, index) => {
    const winner = winnerOf(slot, hypotheses, rules);
    return winner ? [{ ...winner, slot: index }] : [];
  });
}

interface Candidate {
  /** Positions of those that have it; undefined for "no word". */
  readonly form: string | undefined;
  readonly voters: { readonly hypothesis: number; readonly word: number; readonly confidence: number }[];
  votes: number;
}

function winnerOf(
  slot: WordSlot,
  hypotheses: readonly (readonly Ballot[])[],
  rules: VoteRules,
): Omit<Elected, 'slot'> | undefined {
  let best: { readonly candidate: Candidate; readonly score: number } | undefined;
  for (const candidate of candidatesOf(slot, hypotheses, rules)) {
    const { frequencyWeight: weight } = rules;
    const score = weight * (candidate.votes / slot.length) + (1 - weight) * trustIn(candidate, rules);
    if (best === undefined || score > best.score) best = { candidate, score };
  }
  if (best?.candidate.form === undefined) return undefined;
  const [first, ...others] = best.candidate.voters;
  if (!first) return undefined;
  const source = others.reduce((most, voter) => (voter.confidence > most.confidence ? voter : most), first);
  return { hypothesis: source.hypothesis, word: source.word, votes: best.candidate.votes };
}

/** In the order of the hypotheses that have them first. */
function candidatesOf(
  slot: WordSlot,
  hypotheses: readonly (readonly Ballot[])[],
  { unknownConfidence }: VoteRules,
): Candidate[] {
  const candidates: Candidate[] = [];
  for (const [hypothesis, word] of slot.entries()) {
    const ballot = word === undefined ? undefined : hypotheses[hypothesis]?.[word];
    let candidate = candidates.find(({ form }) => form === ballot?.form);
    if (!candidate) candidates.push((candidate = { form: ballot?.form, voters: [], votes: 0 }));
    candidate.votes++;
    if (ballot && word !== undefined) {
      candidate.voters.push({ hypothesis, word, confidence: ballot.confidence ?? unknownConfidence });
    }
  }
  return candidates;
}

function trustIn({ form, voters }: Candidate, { nullConfidence }: VoteRules): number {
  if (form === undefined) return nullConfidence;
  return voters.reduce((sum, { confidence }) => sum + confidence, 0) / Math.max(1, voters.length);
}
