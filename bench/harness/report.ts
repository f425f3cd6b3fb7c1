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

/** The report as Markdown: a table of the goals and one of the growth. */
export function markdownReport({ outcomes, surroundings, at, seconds }: Report): string {
  const rows = outcomes.flatMap((outcome) => outcome.goals.map((goal) => goalRow(outcome, goal)));
  const head = ['scenario', 'work', 'figure', 'mesh', 'bare', 'value (lowest to highest round)', 'goal', 'reached'];
  const grown = outcomes.flatMap(({ name, growth }) => (growth ? [{ name, growth }] : []));
  const parts = [`${at}, ${surroundings}, ${Math.round(seconds)} s in all`, markdownTable(head, rows)];
  if (grown.length > 0) {
    const works = grown[0]?.growth.points.map(({ work }) => `${work} x`) ?? [];
    const growthRows = grown.map(({ name, growth }) => [
      `\`${name}\``,
      growth.figure,
      ...growth.points.map(({ cost }) => number(cost)),
      growth.exponent.toFixed(2),
      '<= 1.05',
      growth.exponent <= 1.05 ? 'yes' : 'no',
    ]);
    parts.push(markdownTable(['growth', 'figure', ...works, 'exponent', 'goal', 'reached'], growthRows));
  }
  return `${parts.join('\n\n')}\n`;
}

function goalRow({ name, amount }: Outcome, goal: GoalOutcome): string[] {
  const { figure, as, mesh, bare, value, wanted, reached } = goal;
  const sign = as === 'ratio' ? ' x' : '';
  return [
    `\`${name}\``,
    amount,
    figure,
    number(mesh.median),
    bare === undefined ? '' : number(bare.median),
    spread(value, sign),
    wanted === undefined ? 'printed' : `${wanted.is === 'at most' ? '<=' : '>='} ${wanted.value}${sign}`,
    reached === undefined ? '' : reached ? 'yes' : 'no',
  ];
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
