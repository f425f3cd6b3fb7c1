export { type ComparedWord, comparedWords, defaultWordRules, normalizedWords, type WordRules } from './words.js';
export {
  compareTexts,
  type DiffRun,
  type DiffType,
  diffTypes,
  type TextComparison,
  wordErrorRate,
  type WordErrorRate,
} from './word-error-rate.js';
export { alignWords, type AlignedPair } from './align.js';
export { agreementOf, type PairCount } from './agreement.js';
export { JointStretch, type LaneSegments } from './joint-transcript.js';
export { type Ballot, defaultVoteRules, type Elected, vote, type VoteRules } from './vote.js';
export { type WordNetwork, wordNetwork } from './word-network.js';
export { Evaluator, type EvaluatorLimits } from './evaluator.js';
