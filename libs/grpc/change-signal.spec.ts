import { ChangeSignal } from './change-signal.js';

describe('ChangeSignal', () => {
  const never = new AbortController().signal;

  it('answers at once when the change came before the wait', async () => {
    const changes = new ChangeSignal();
    const seen = changes.revision;
    changes.notify();
    await expect(changes.after(seen, never)).resolves.toBe(true);
  });

  it('wakes every reader', async () => {
    const changes = new ChangeSignal();
    const readers = [changes.after(0, never), changes.after(0, never)];
    changes.notify();
    await expect(Promise.all(readers)).resolves.toEqual([true, true]);
  });

  it('says that nothing changed when the signal aborts first', async () => {
    const changes = new ChangeSignal();
    const abort = new AbortController();
    const reader = changes.after(0, abort.signal);
    abort.abort();
    await expect(reader).resolves.toBe(false);
    await expect(changes.after(0, abort.signal)).resolves.toBe(false);
  });
});
