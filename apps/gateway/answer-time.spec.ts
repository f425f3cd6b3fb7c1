import { briefly } from './answer-time.js';

describe('briefly', () => {
  it('does not let an answer wait for a queue or a bus that hangs', async () => {
    const hanging = new Promise<void>(() => undefined);
    await expect(briefly(hanging)).resolves.toBeUndefined();
  });

  it('is through before the answer where nothing hangs', async () => {
    let done = false;
    await briefly(Promise.resolve().then(() => void (done = true)));
    expect(done).toBe(true);
  });
});
