import { measure } from './measure.js';
import type { Run, Scenario } from './scenario.js';

const runs: string[] = [];

function scenario(changes: Partial<Scenario> = {}): Scenario {
  return {
    name: 'example',
    title: 'An example',
    against: 'half of it',
    goals: [{ figure: 'wall s', as: 'ratio', wanted: { is: 'at most', value: 2 } }],
    growth: 'wall s',
    amount: () => '1 unit',
    open: () =>
      Promise.resolve({
        mesh: ({ round, work }: Run) => {
          runs.push(`mesh ${round}`);
          return Promise.resolve({ 'wall s': 2 * work * (round === 0 ? 1000 : round) });
        },
        bare: ({ round }: Run) => {
          runs.push(`bare ${round}`);
          return Promise.resolve({ 'wall s': round === 0 ? 1000 : round });
        },
        close: () => {
          runs.push('closed');
          return Promise.resolve();
        },
      }),
    ...changes,
  };
}

const options = { quick: true, rounds: 3, growth: [1, 4, 16], say: () => undefined };

beforeEach(() => runs.splice(0));

describe('measure', () => {
  it('holds each round of the mesh against the bare thing of the same round, without the warm-up', async () => {
    const { goals, rounds } = await measure(scenario(), options);
    expect(rounds).toHaveLength(3);
    expect(goals).toMatchObject([{ value: { median: 2, low: 2, high: 2 }, reached: true }]);
    expect(goals[0]?.mesh).toEqual({ median: 4, low: 2, high: 6 });
  });

  it('lets the sides take turns at going first', async () => {
    await measure(scenario(), { ...options, growth: [] });
    expect(runs.join(', ')).toBe('mesh 0, bare 0, bare 1, mesh 1, mesh 2, bare 2, bare 3, mesh 3, closed');
  });

  it('fits how the cost grows with the work', async () => {
    const { growth } = await measure(scenario(), options);
    expect(growth?.exponent).toBeCloseTo(1, 10);
    expect(growth?.points).toEqual([
      { work: 1, cost: 2 },
      { work: 4, cost: 8 },
      { work: 16, cost: 32 },
    ]);
  });

  it('says where a goal is missed', async () => {
    const goals = [{ figure: 'wall s', as: 'ratio', wanted: { is: 'at most', value: 1.9 } }] as const;
    expect((await measure(scenario({ goals }), options)).goals).toMatchObject([{ reached: false }]);
  });

  it('closes what it opened when a run fails', async () => {
    const open = () =>
      Promise.resolve({
        mesh: () => Promise.reject(new Error('broken')),
        close: () => {
          runs.push('closed');
          return Promise.resolve();
        },
      });
    await expect(measure(scenario({ open }), options)).rejects.toThrow('broken');
    expect(runs).toEqual(['closed']);
  });
});
