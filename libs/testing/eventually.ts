import { AsyncLocalStorage } from 'node:async_hooks';

/** For a machine that is busy with much else; whoever waits in vain says what for. */
const DEADLINE_MS = 30_000;

/** Shortens every deadline of what runs inside: for checks that are known to wait in vain. */
export const patienceMs = new AsyncLocalStorage<number>();

/**
 * Polls until the condition gives a truthy value and returns it.
 *
 * @throws Error that names what was waited for when the deadline passes
 */
export async function eventually<T>(
  what: string,
  condition: () => T | Promise<T>,
  deadlineMs = DEADLINE_MS,
): Promise<NonNullable<T>> {
  const waitMs = Math.min(deadlineMs, patienceMs.getStore() ?? deadlineMs);
  const deadline = Date.now() + waitMs;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > deadline) throw new Error(`waited ${waitMs} ms in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
