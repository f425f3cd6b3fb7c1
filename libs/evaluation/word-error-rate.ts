import { alignWords } from './align.js';
import { type ComparedWord, comparedWords, defaultWordRules, type WordRules } from './words.js';

/** How a transcript differs from what was said. */
export interface WordErrorRate {
  /** (substitutions + insertions + deletions) / referenceWords: 0 is perfect, and it may exceed 1. */
  readonly wer: number;
  readonly substitutions: number;
  /** Words in the transcript that nobody said. */
  readonly insertions: number;
  /** Words that are missing from the transcript. */
  readonly deletions: number;
  readonly referenceWords: number;
}

export const diffTypes = ['equal', 'substitution', 'insertion', 'deletion'] as const;
export type DiffType = (typeof diffTypes)[number];

/** A stretch of words that are all right, or all wrong in the same way. */
export interface DiffRun {
  readonly type: DiffType;
  /** The words as they were said; undefined for an insertion. */
  readonly reference?: string;
  /** The words as they were written; undefined for a deletion. */
  readonly hypothesis?: string;
}

/** A transcript beside the text that was said. */
export interface TextComparison extends WordErrorRate {
  readonly hypothesisWords: number;
  /** From the beginning to the end of the texts. */
  readonly diff: readonly DiffRun[];
}

/**
 * Word error rate of a transcript against the text that was spoken: the least number of word substitutions, insertions
 * and deletions (Levenshtein distance on words) over the number of words spoken. Among equally few errors those are counted
 * that leave the most words in common.
 *
 * Where nothing was said the rate is the number of words made up. Time is words times words, memory grows with the texts.
 */
export function wordErrorRate(reference: string, transcript: string): WordErrorRate {
  const { wer, substitutions, insertions, deletions, referenceWords } = compareTexts(reference, transcript);
  return { wer, substitutions, insertions, deletions, referenceWords };
}

/** The word error rate with the differences it counts. */
export function compareTexts(
  reference: string,
  hypothesis: string,
  rules: WordRules = defaultWordRules,
): TextComparison {
  const said = comparedWords(reference, rules);
  const heard = comparedWords(hypothesis, rules);
  const counts = { equal: 0, substitution: 0, insertion: 0, deletion: 0 };
  const runs: Run[] = [];
  for (const pair of alignWords(said.map(formOf), heard.map(formOf))) {
    const one = pair.first === undefined ? undefined : said[pair.first];
    const other = pair.second === undefined ? undefined : heard[pair.second];
    const type = typeOf(one, other);
    counts[type]++;
    let run = runs.at(-1);
    if (run?.type !== type) runs.push((run = { type, reference: [], hypothesis: [] }));
    if (one) run.reference.push(one.text);
    if (other) run.hypothesis.push(other.text);
  }
  const { substitution: substitutions, insertion: insertions, deletion: deletions } = counts;
  return {
    wer: (substitutions + insertions + deletions) / Math.max(1, said.length),
    ...{ substitutions, insertions, deletions, referenceWords: said.length, hypothesisWords: heard.length },
    diff: runs.map(toDiffRun),
  };
}

interface Run {
  readonly type: DiffType;
  readonly reference: string[];
  readonly hypothesis: string[];
}

function formOf({ form }: ComparedWord): string {
  return form;
}

function typeOf(one: ComparedWord | undefined, other: ComparedWord | undefined): DiffType {
  if (one === undefined) return 'insertion';
  if (other === undefined) return 'deletion';
  return one.form === other.form ? 'equal' : 'substitution';
}

function toDiffRun({ type, reference, hypothesis }: Run): DiffRun {
  return {
    type,
    ...(reference.length === 0 ? {} : { reference: reference.join(' ') }),
    ...(hypothesis.length === 0 ? {} : { hypothesis: hypothesis.join(' ') }),
  };
}
