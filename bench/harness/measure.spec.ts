import { measure } from './measure.js';
import type { Run, Scenario } from './scenario.js';

const runs: string[] = [];

function scenario(changes: Partial<Scenario> = {}): Scenario {
  return {
    name: 'example',
    title: 'An example',
    against: 'half of it',
    goals: [{ figure: 'wall s', as: 'ratio', wanted: { is: 'at most', value: 2 } }],
    growth: { figure: 'wall s', unit: '1 clip' },
    budget: { quickS: 1, fullS: 1 },
    amount: () => '1 unit',
    open: () =>
      Promise.resolve({
        mesh: ({ round }: Run) => {
          runs.push(`mesh ${round}`);
          return Promise.resolve({ 'wall s': 2 * (round === 0 ? 1000 : round) });
        },
        grow: (times: number) => Promise.resolve({ 'wall s': 2 * times }),
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
      { times: 1, cost: 2 },
      { times: 4, cost: 8 },
      { times: 16, cost: 32 },
    ]);
  });

  it('says why there is no growth', async () => {
    const { growth, noGrowth } = await measure(scenario({ growth: { none: 'a wait' } }), options);
    expect(growth).toBeUndefined();
    expect(noGrowth).toBe('a wait');
  });

  it('runs fewer rounds where the scenario asks for it', async () => {
    const mostRounds = { quick: 1, full: 2 };
    expect((await measure(scenario({ mostRounds }), options)).rounds).toHaveLength(1);
    expect((await measure(scenario({ mostRounds }), { ...options, quick: false })).rounds).toHaveLength(2);
    expect((await measure(scenario({ mostRounds: { quick: 1 } }), { ...options, quick: false })).rounds).toHaveLength(
      3,
    );
  });

  it('says where a goal is missed', async () => {
    const goals = [{ figure: 'wall s', as: 'ratio', wanted: { is: 'at most', value: 1.9 } }] as const;
    expect((await measure(scenario({ goals }), options)).goals).toMatchObject([{ reached: false }]);
  });

  it('closes what it opened when a run fails, and keeps the rounds before', async () => {
    const open = () =>
      Promise.resolve({
        mesh: ({ round }: Run) =>
          round < 2 ? Promise.resolve({ 'wall s': 1 }) : Promise.reject(new Error('It broke.')),
        bare: () => Promise.resolve({ 'wall s': 1 }),
        close: () => {
          runs.push('closed');
          return Promise.resolve();
        },
      });
    const { rounds, failure, goals } = await measure(scenario({ open }), options);
    expect(failure).toBe('It broke.');
    expect(rounds).toHaveLength(1);
    expect(goals).toMatchObject([{ value: { median: 1 }, reached: true }]);
    expect(runs).toEqual(['closed']);
  });

  it('says that a scenario could not be opened', async () => {
    const open = () => Promise.reject(new Error('There is no room.'));
    expect(await measure(scenario({ open }), options)).toMatchObject({ failure: 'There is no room.', goals: [] });
  });

  it('says which figure a run did not give', async () => {
    const open = () => Promise.resolve({ mesh: () => Promise.resolve({}), close: () => Promise.resolve() });
    expect((await measure(scenario({ open }), options)).failure).toBe('The run gave no wall s.');
  });
});
