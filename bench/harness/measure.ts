import { figureOf } from './figure-of.js';
import { grow, type Growth } from './growth.js';
import type { Figures, Goal, Run, Scenario, Stage } from './scenario.js';
import { type Spread, spreadOf } from './statistics.js';
import { withinTime } from './within-time.js';

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

export interface Outcome {
  readonly name: string;
  readonly title: string;
  readonly against: string;
  readonly amount: string;
  /** What it took in all, and what it may take. */
  readonly seconds: number;
  readonly budgetS: number;
  /** Why it came to no end, or to no growth. */
  readonly failure?: string;
  readonly rounds: readonly Round[];
  readonly goals: readonly GoalOutcome[];
  readonly growth?: Growth;
  /** Why its growth is not measured. */
  readonly noGrowth?: string;
}

export interface MeasureOptions {
  readonly quick: boolean;
  readonly rounds: number;
  /** Multiples of the growth run; empty leaves it out. */
  readonly growth: readonly number[];
  readonly say: (line: string) => void;
  /** Ends the run early: what was opened is closed all the same. */
  readonly signal?: AbortSignal;
}

/** A scenario that takes longer than so many times its budget and that much on top hangs, however busy the machine is. */
const PATIENCE = 3;
const PATIENCE_MS = 180_000;
const CLOSE_LIMIT_MS = 90_000;

/**
 * Runs a scenario: once to warm up, then in rounds in which the two sides take turns at going first, so that what else the
 * machine does falls on both. Growth is measured last, on the mesh alone. Never throws: a scenario that fails or hangs says
 * so in its outcome, with the rounds that it has.
 */
export async function measure(scenario: Scenario, options: MeasureOptions): Promise<Outcome> {
  const { quick, say } = options;
  const started = performance.now();
  const budgetS = quick ? scenario.budget.quickS : scenario.budget.fullS;
  const found: Found = { rounds: [], goals: [] };
  const failures: string[] = [];
  const attempt = async (what: string, limitMs: number, doing: Promise<void>, signal?: AbortSignal) => {
    try {
      await withinTime(what, limitMs, doing, signal);
    } catch (error) {
      failures.push(error instanceof Error ? error.message : String(error));
      say(`${scenario.name}: ${failures.at(-1) ?? ''}`);
    }
  };
  const opened = scenario.open(quick);
  const ran = opened.then((stage) => runAll(stage, scenario, found, options));
  await attempt('The scenario', budgetS * PATIENCE * 1000 + PATIENCE_MS, ran, options.signal);
  // What never opened has nothing to close.
  const closed = opened.catch(() => undefined).then((stage) => stage?.close());
  await attempt('Closing it', CLOSE_LIMIT_MS, closed);
  return {
    name: scenario.name,
    title: scenario.title,
    against: scenario.against,
    amount: scenario.amount(quick),
    seconds: (performance.now() - started) / 1000,
    budgetS,
    ...found,
    ...(failures.length === 0 ? {} : { failure: failures.join(' ') }),
    ...('none' in scenario.growth ? { noGrowth: scenario.growth.none } : {}),
  };
}

/** What a scenario gave so far. */
interface Found {
  readonly rounds: Round[];
  goals: readonly GoalOutcome[];
  growth?: Growth;
}

async function runAll(
  stage: Stage,
  { name, goals, growth, mostRounds = {} }: Scenario,
  found: Found,
  { quick, rounds, growth: multiples, say }: MeasureOptions,
): Promise<void> {
  const count = Math.min(rounds, (quick ? mostRounds.quick : mostRounds.full) ?? rounds);
  await runRound(stage, 0);
  for (let number = 1; number <= count; number += 1) {
    found.rounds.push(await runRound(stage, number));
    found.goals = goals.map((goal) => outcomeOf(goal, found.rounds));
    say(`${name}: round ${number} of ${count}`);
  }
  if ('figure' in growth && multiples.length > 0) found.growth = await grow(stage, growth, multiples);
}

async function runRound(stage: Stage, round: number): Promise<Round> {
  const run: Run = { round };
  if (!stage.bare) return { mesh: await stage.mesh(run) };
  if (round % 2 === 1) {
    const bare = await stage.bare(run);
    return { mesh: await stage.mesh(run), bare };
  }
  const mesh = await stage.mesh(run);
  return { mesh, bare: await stage.bare(run) };
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
