import { figureOf } from './figure-of.js';
import type { Stage } from './scenario.js';
import { growthExponent, quantile } from './statistics.js';

export interface Growth {
  readonly figure: string;
  readonly unit: string;
  readonly points: readonly { readonly times: number; readonly cost: number }[];
  /** 1 is growth in proportion to the work. */
  readonly exponent: number;
}

const PASSES = 3;
/** No further pass begins when it would end after that. */
const ENOUGH_MS = 20_000;

/** Does multiples of a small unit, a few times each where that is quick, and fits how the cost grows with the work. */
export async function grow(
  stage: Stage,
  { figure, unit }: { readonly figure: string; readonly unit: string },
  multiples: readonly number[],
): Promise<Growth> {
  if (!stage.grow) throw new Error('The scenario names a growth and cannot do more work.');
  const costs = new Map<number, number[]>(multiples.map((times) => [times, []]));
  const started = performance.now();
  for (let pass = 1; pass <= PASSES; pass += 1) {
    for (const [times, of] of costs) of.push(figureOf(await stage.grow(times), figure));
    const soFar = performance.now() - started;
    if (soFar + soFar / pass > ENOUGH_MS) break;
  }
  const points = [...costs].map(([times, of]) => ({ times, cost: quantile(of, 0.5) }));
  return {
    figure,
    unit,
    points,
    exponent: growthExponent(points.map(({ times, cost }) => ({ work: times, cost }))),
  };
}
