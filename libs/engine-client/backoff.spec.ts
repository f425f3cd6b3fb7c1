import { backoffMs } from './backoff.js';

describe('backoffMs', () => {
  it('doubles up to the most', () => {
    const most = [1, 2, 3, 4, 5, 100].map((failures) => backoffMs(failures, 100, 1000, () => 1));
    expect(most).toEqual([100, 200, 400, 800, 1000, 1000]);
  });

  it('leaves half to chance, so that those who failed together do not come back together', () => {
    expect(backoffMs(3, 100, 1000, () => 0)).toBe(200);
  });
});
