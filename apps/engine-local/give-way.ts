import { setPriority } from 'node:os';

/** Of the levels of politeness from 0 to 19 one that the scheduler clearly sees. */
const NICENESS = 10;

/**
 * Lets a thread of inference have the processor after the threads that feed it: those that decode, carry and look through
 * audio need little of it, but need it at once, or batches stay small. Only Linux keeps this value for each thread;
 * elsewhere it would hold for the whole process.
 */
export function giveWay(): void {
  if (process.platform !== 'linux') return;
  try {
    setPriority(NICENESS);
  } catch {
    // A sandbox may forbid it: inference is as good without, only later with many things to do.
  }
}
