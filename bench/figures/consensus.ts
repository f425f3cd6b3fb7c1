import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { normalizedWords, vote, wordErrorRate, wordNetwork } from '#evaluation';
import { noisyHypothesis, type NoisyWord, seededRandom } from '../../libs/evaluation/testing.js';
import { markdownTable } from '../harness/surroundings.js';

/**
 * How much better is a vote than the best voter? Three hypotheses with known errors are made of the sample texts, over
 * many seeds, and their word error rates are set beside that of the voted text.
 */
const SEEDS = 20;
const samples = ['long-read', 'clinic-dialogue', 'stereo-call'];
/** Word error rate that each of the three engines is made to have, about. */
const engineErrors = [
  [0.05, 0.05, 0.05],
  [0.08, 0.12, 0.16],
  [0.15, 0.2, 0.25],
  [0.05, 0.2, 0.3],
];

const said = samples.flatMap((name) => normalizedWords(readFileSync(join('samples', `${name}.txt`), 'utf8')));
const rows = engineErrors.flatMap((errors) => [true, false].map((confidence) => rowOf(errors, confidence)));
const head = ['engines made to err', 'confidence', 'best engine', 'consensus', 'errors left', 'better in'];
process.stdout.write(`${markdownTable(head, rows)}\n\n${said.length} words, ${SEEDS} seeds a row.\n`);

function rowOf(engines: readonly number[], withConfidence: boolean): string[] {
  let [best, voted, better] = [0, 0, 0];
  for (let seed = 1; seed <= SEEDS; seed++) {
    const heard = engines.map((share, engine) => {
      const noise = { substitutions: share * 0.6, deletions: share * 0.25, insertions: share * 0.15 };
      return noisyHypothesis(said, noise, seededRandom(seed * 100 + engine), withConfidence);
    });
    const bestOfSeed = Math.min(...heard.map((words) => rate(words.map(({ form }) => form))));
    const votedOfSeed = rate(consensus(heard));
    best += bestOfSeed / SEEDS;
    voted += votedOfSeed / SEEDS;
    if (votedOfSeed < bestOfSeed) better++;
  }
  return [
    engines.map(percent).join(', '),
    withConfidence ? 'yes' : 'no',
    percent(best),
    percent(voted),
    percent(voted / best),
    `${better} of ${SEEDS}`,
  ];
}

function consensus(heard: readonly (readonly NoisyWord[])[]): string[] {
  const network = wordNetwork(heard.map((words) => words.map(({ form }) => form)));
  return vote(network, heard).map(({ hypothesis, word }) => heard[hypothesis]?.[word]?.form ?? '');
}

function rate(words: readonly string[]): number {
  return wordErrorRate(said.join(' '), words.join(' ')).wer;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}
