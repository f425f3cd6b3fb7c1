export { type Noise, noisyHypothesis, type NoisyWord, seededRandom } from './testing/noisy-hypotheses.js';
