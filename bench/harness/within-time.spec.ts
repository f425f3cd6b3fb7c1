import { withinTime } from './within-time.js';

describe('withinTime', () => {
  it('gives what comes in time', async () => {
    await expect(withinTime('It', 60_000, Promise.resolve(7))).resolves.toBe(7);
  });

  it('names what does not come', async () => {
    const never = new Promise<void>(() => undefined);
    await expect(withinTime('The answer', 1, never)).rejects.toThrow('The answer took longer than 0 s.');
  });

  it('gives up when it is broken off', async () => {
    const stopped = new AbortController();
    const never = withinTime('The answer', 60_000, new Promise<void>(() => undefined), stopped.signal);
    stopped.abort();
    await expect(never).rejects.toThrow('The answer was broken off.');
  });

  it('passes on why something failed', async () => {
    await expect(withinTime('It', 60_000, Promise.reject(new Error('broken')))).rejects.toThrow('broken');
  });
});
