import { IntakeSweeper } from './intake-sweeper.js';

describe('IntakeSweeper', () => {
  /** Keys that have run out, and how often somebody asked for some. */
  function keysOf(count: number) {
    return {
      left: count,
      calls: 0,
      removeExpired(limit: number) {
        const removed = Math.min(limit, this.left);
        this.left -= removed;
        this.calls += 1;
        return Promise.resolve(removed);
      },
    };
  }

  const uploads = { sweep: () => Promise.resolve({ uploads: 0, orphans: 0 }) };

  it('removes page after page until none is left', async () => {
    const keys = keysOf(2_500);
    await new IntakeSweeper(keys, uploads).sweep(new AbortController().signal);
    expect(keys).toMatchObject({ left: 0, calls: 3 });
  });

  it('leaves the rest to the next sweep when there is no end', async () => {
    const keys = keysOf(Number.MAX_SAFE_INTEGER);
    await new IntakeSweeper(keys, uploads).sweep(new AbortController().signal);
    expect(keys.calls).toBe(100);
  });

  it('stops where it is broken off', async () => {
    const keys = keysOf(2_500);
    await new IntakeSweeper(keys, uploads).sweep(AbortSignal.abort());
    expect(keys.calls).toBe(0);
  });
});
