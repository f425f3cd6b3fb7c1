import type { Figures, Goal, Run, Scenario, Stage } from './scenario.js';
import { growthExponent, type Spread, spreadOf } from './statistics.js';

export interface Round {
  readonly mesh: Figures;
  readonly bare?: Figures;
}

export interface GoalOutcome extends Goal {
  readonly mesh: Spread;
  readonly bare?: Spread;
  /** The ratio, difference or figure of each round, summed up. */
  readonly value: Spread;
  /** Absent where nothing is wanted of it. */
  readonly reached?: boolean;
}

export interface Growth {
  readonly figure: string;
  readonly points: readonly { readonly work: number; readonly cost: number }[];
  readonly exponent: number;
}

export interface Outcome {
  readonly name: string;
  readonly title: string;
  readonly against: string;
  readonly amount: string;
  readonly rounds: readonly Round[];
  readonly goals: readonly GoalOutcome[];
  readonly growth?: Growth;
}

export interface MeasureOptions {
  readonly quick: boolean;
  readonly rounds: number;
  /** Works of the growth run, as multiples; empty leaves it out. */
  readonly growth: readonly number[];
  readonly say: (line: string) => void;
}

/**
 * Runs a scenario: once to warm up, then in rounds in which the two sides take turns at going first, so that what else the
 * machine does falls on both. Growth is measured last, on the mesh alone.
 */
export async function measure(scenario: Scenario, options: MeasureOptions): Promise<Outcome> {
  const { quick, say } = options;
  const stage = await scenario.open(quick);
  try {
    await runRound(stage, 0);
    const rounds: Round[] = [];
    for (let number = 1; number <= options.rounds; number += 1) {
      rounds.push(await runRound(stage, number));
      say(`${scenario.name}: round ${number} of ${options.rounds}`);
    }
    const growth = scenario.growth === undefined ? undefined : await grow(stage, scenario.growth, options.growth);
    return {
      name: scenario.name,
      title: scenario.title,
      against: scenario.against,
      amount: scenario.amount(quick),
      rounds,
      goals: scenario.goals.map((goal) => outcomeOf(goal, rounds)),
      ...(growth === undefined ? {} : { growth }),
    };
  } finally {
    await stage.close();
  }
}

async function runRound(stage: Stage, round: number): Promise<Round> {
  const run: Run = { round, work: 1 };
  if (!stage.bare) return { mesh: await stage.mesh(run) };
  if (round % 2 === 1) {
    const bare = await stage.bare(run);
    return { mesh: await stage.mesh(run), bare };
  }
  const mesh = await stage.mesh(run);
  return { mesh, bare: await stage.bare(run) };
}

async function grow(stage: Stage, figure: string, works: readonly number[]): Promise<Growth | undefined> {
  if (works.length === 0) return undefined;
  const points: { work: number; cost: number }[] = [];
  for (const work of works) points.push({ work, cost: figureOf(await stage.mesh({ round: 1, work }), figure) });
  return { figure, points, exponent: growthExponent(points) };
}

function outcomeOf(goal: Goal, rounds: readonly Round[]): GoalOutcome {
  const { figure, as, wanted } = goal;
  const mesh = rounds.map((round) => figureOf(round.mesh, figure));
  const bare = rounds.flatMap((round) => (round.bare?.[figure] === undefined ? [] : [round.bare[figure]]));
  const value = spreadOf(mesh.map((own, index) => valueOf(as, own, bare[index])));
  return {
    ...goal,
    mesh: spreadOf(mesh),
    ...(bare.length === 0 ? {} : { bare: spreadOf(bare) }),
    value,
    ...(wanted === undefined
      ? {}
      : { reached: wanted.is === 'at most' ? value.median <= wanted.value : value.median >= wanted.value }),
  };
}

function valueOf(as: Goal['as'], mesh: number, bare: number | undefined): number {
  if (as === 'absolute') return mesh;
  if (bare === undefined) throw new Error('There is nothing to hold the figure against.');
  return as === 'ratio' ? mesh / bare : mesh - bare;
}

function figureOf(figures: Figures, name: string): number {
  const value = figures[name];
  if (value === undefined) throw new Error(`The run gave no ${name}.`);
  return value;
}
