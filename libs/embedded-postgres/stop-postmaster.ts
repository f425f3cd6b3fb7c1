import { waitUntil } from './wait-until.js';

/**
 * PostgreSQL's three ways to end, the gentle first: fast shutdown, immediate shutdown (the next start replays the log),
 * and the kill that the system gives. The whole lies within the process's own stop deadline.
 */
const steps = [
  { signal: 'SIGINT', timeoutMs: 12_000 },
  { signal: 'SIGQUIT', timeoutMs: 5_000 },
  { signal: 'SIGKILL', timeoutMs: 5_000 },
] as const;

/**
 * Stops a PostgreSQL server.
 *
 * @param runs whether that very server still runs; asked again before each signal, since its id may be another
 *   process's by then
 * @throws Error when it outlives all
 */
export async function stopPostmaster(pid: number, runs: () => Promise<boolean>): Promise<void> {
  for (const { signal, timeoutMs } of steps) {
    if (!(await runs())) return;
    try {
      process.kill(pid, signal);
    } catch {
      // It ended between the look and the signal; the next look tells.
    }
    if (await waitUntil(async () => !(await runs()), timeoutMs)) return;
  }
  throw new Error(`PostgreSQL (process ${String(pid)}) does not end: stop it by hand.`);
}
