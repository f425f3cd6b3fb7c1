import { compareTexts, type TextComparison } from './word-error-rate.js';
import { type WordNetwork, wordNetwork } from './word-network.js';
import { wordForms, type WordRules } from './words.js';

/** Work that takes as long as its texts are long, times one another. Plain data, so that it can go to a thread. */
export type EvaluationTask =
  | {
      readonly kind: 'texts';
      readonly reference: string;
      readonly hypothesis: string;
      readonly rules: WordRules;
    }
  | { readonly kind: 'network'; readonly hypotheses: readonly (readonly string[])[] };

export type EvaluationAnswer<T extends EvaluationTask> = T extends { kind: 'texts' } ? TextComparison : WordNetwork;

export function evaluate(task: EvaluationTask): TextComparison | WordNetwork {
  if (task.kind === 'network') return wordNetwork(task.hypotheses);
  return compareTexts(task.reference, task.hypothesis, task.rules);
}

/** About how many cells the task computes. Texts are parted as for the comparison: a text may be one word but for its hyphens. */
export function cellsOf(task: EvaluationTask): number {
  const lengths =
    task.kind === 'network'
      ? task.hypotheses.map(({ length }) => length)
      : [task.reference, task.hypothesis].map((text) => wordForms(text, task.rules).length);
  const [first = 0, ...others] = lengths;
  return others.reduce((sum, length) => sum + length * Math.max(first, length), 0);
}
