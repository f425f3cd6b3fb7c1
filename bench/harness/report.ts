import type { GoalOutcome, Outcome } from './measure.js';
import type { Spread } from './statistics.js';
import { markdownTable } from './surroundings.js';

/** What a whole run gave. */
export interface Report {
  readonly at: string;
  readonly quick: boolean;
  readonly surroundings: string;
  readonly seconds: number;
  readonly outcomes: readonly Outcome[];
}

/** Growth in proportion, and five in a hundred for noise. */
const GROWTH_GOAL = 1.05;

/** The report as Markdown: the goals, the growth, and what each scenario took. */
export function markdownReport({ outcomes, surroundings, at, quick, seconds }: Report): string {
  const run = quick ? 'a quick run' : 'a full run';
  return `${[
    `${at}, ${run}, ${Math.round(seconds)} s in all, on ${surroundings}.`,
    goalTable(outcomes, quick),
    ...failures(outcomes),
    ...growthTable(outcomes),
    timeTable(outcomes),
  ].join('\n\n')}\n`;
}

/** How a figure is made again. */
function command(name: string, quick: boolean): string {
  return `\`npm run bench -- ${quick ? '--quick ' : ''}${name}\``;
}

function goalTable(outcomes: readonly Outcome[], quick: boolean): string {
  const head = ['command', 'work', 'figure', 'mesh', 'bare', 'median (range of rounds)', 'goal', 'reached'];
  const rows = outcomes.flatMap((outcome) => {
    const { name, amount, goals, failure } = outcome;
    const made = command(name, quick);
    const found = goals.map((goal) => [made, amount, ...goalCells(goal)]);
    return failure === undefined || found.length > 0
      ? found
      : [[made, amount, 'none', '', '', 'failed, see below', '', 'no']];
  });
  return markdownTable(head, rows);
}

function goalCells({ figure, as, mesh, bare, value, wanted, reached }: GoalOutcome): string[] {
  const sign = as === 'ratio' ? ' x' : '';
  return [
    figure,
    number(mesh.median),
    bare === undefined ? '' : number(bare.median),
    `${as === 'difference' ? 'difference ' : ''}${spread(value, sign)}`,
    wanted === undefined ? 'printed' : `${wanted.is} ${wanted.value}${sign}`,
    verdict(reached),
  ];
}

function failures(outcomes: readonly Outcome[]): string[] {
  const lines = outcomes.flatMap(({ name, failure }) => (failure === undefined ? [] : [`- \`${name}\`: ${failure}`]));
  return lines.length === 0 ? [] : [`Failed:\n\n${lines.join('\n')}`];
}

function growthTable(outcomes: readonly Outcome[]): string[] {
  const grown = outcomes.flatMap(({ name, growth }) => (growth ? [{ name, growth }] : []));
  const [first] = grown;
  if (!first) return [];
  const multiples = first.growth.points.map(({ times }) => `${times} x`);
  const rows = grown.map(({ name, growth: { figure, unit, points, exponent } }) => [
    `\`${name}\``,
    unit,
    figure,
    ...points.map(({ cost }) => number(cost)),
    exponent.toFixed(2),
    `at most ${GROWTH_GOAL}`,
    verdict(exponent <= GROWTH_GOAL),
  ]);
  const reasons = outcomes.flatMap(({ name, noGrowth }) =>
    noGrowth === undefined ? [] : [`- \`${name}\`: ${noGrowth}`],
  );
  return [
    markdownTable(['growth of', '1 x is', 'figure', ...multiples, 'exponent', 'goal', 'reached'], rows),
    ...(reasons.length === 0 ? [] : [`Without growth:\n\n${reasons.join('\n')}`]),
  ];
}

function timeTable(outcomes: readonly Outcome[]): string {
  const rows = outcomes.map(({ name, rounds, seconds, budgetS }) => [
    `\`${name}\``,
    String(rounds.length),
    `${Math.round(seconds)} s`,
    `${budgetS} s`,
  ]);
  const sum = (of: (outcome: Outcome) => number) => `${Math.round(outcomes.reduce((all, one) => all + of(one), 0))} s`;
  rows.push(['all', '', sum(({ seconds }) => seconds), sum(({ budgetS }) => budgetS)]);
  return markdownTable(['time of', 'rounds', 'took', 'budget'], rows);
}

function verdict(reached: boolean | undefined): string {
  if (reached === undefined) return '';
  return reached ? 'yes' : 'no';
}

function spread({ median, low, high }: Spread, sign: string): string {
  return `${number(median)}${sign} (${number(low)} to ${number(high)})`;
}

/** Three figures that count. */
function number(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e6) return String(value);
  if (Math.abs(value) >= 100) return value.toFixed(0);
  return String(Number(value.toPrecision(3)));
}
