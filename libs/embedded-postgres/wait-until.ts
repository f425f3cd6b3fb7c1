import { setTimeout as delay } from 'node:timers/promises';

const POLL_MS = 25;

/** Asks again and again until the answer is yes. @returns false when the deadline passed first */
export async function waitUntil(condition: () => Promise<boolean> | boolean, timeoutMs: number): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    if (await condition()) return true;
    if (performance.now() >= deadline) return false;
    await delay(POLL_MS);
  }
}
