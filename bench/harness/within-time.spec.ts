import { withinTime } from './within-time.js';

describe('withinTime', () => {
  it('gives what comes in time', async () => {
    await expect(withinTime('It', 60_000, Promise.resolve(7))).resolves.toBe(7);
  });

  it('names what does not come', async () => {
    const never = new Promise<void>(() => undefined);
    await expect(withinTime('The answer', 1, never)).rejects.toThrow('The answer took longer than 0 s.');
  });

  it('passes on why something failed', async () => {
    await expect(withinTime('It', 60_000, Promise.reject(new Error('broken')))).rejects.toThrow('broken');
  });
});
