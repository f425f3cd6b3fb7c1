import { grow } from './growth.js';

const plan = { figure: 'wall s', unit: '1 clip' };

describe('grow', () => {
  it('takes the median of a few passes', async () => {
    let runs = 0;
    const noise = [1, 4, 16, 100, 4, 16, 1, 4, 16];
    const stage = {
      mesh: () => Promise.resolve({}),
      grow: () => Promise.resolve({ 'wall s': noise[runs++] ?? 0 }),
      close: () => Promise.resolve(),
    };
    const { points, exponent } = await grow(stage, plan, [1, 4, 16]);
    expect(runs).toBe(9);
    expect(points.map(({ cost }) => cost)).toEqual([1, 4, 16]);
    expect(exponent).toBeCloseTo(1, 10);
  });

  it('refuses a scenario that cannot do more work', async () => {
    const stage = { mesh: () => Promise.resolve({}), close: () => Promise.resolve() };
    await expect(grow(stage, plan, [1])).rejects.toThrow('cannot do more work');
  });
});
