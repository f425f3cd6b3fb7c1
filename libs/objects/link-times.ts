/** Links made within that time are the same, so that an answer that holds one can be told to be unchanged. */
const STEP_MS = 300_000;

/** When a link that is made now counts as made, and for how long it is valid from then. */
export function linkTimes(expiresInMs: number, nowMs: number): { signedAtMs: number; lastsMs: number } {
  return { signedAtMs: Math.floor(nowMs / STEP_MS) * STEP_MS, lastsMs: expiresInMs + STEP_MS };
}
