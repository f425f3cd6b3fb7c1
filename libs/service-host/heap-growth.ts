import { setFlagsFromString } from 'node:v8';

const HEAP_GROWTH_PERCENT = 200;

/**
 * Lets a full garbage collection wait until the heap has grown threefold. Media pass through our processes in buffers
 * outside the heap, which the engine counts as growth though nearly all of them are dead again at once: left to its own
 * rule it marks the whole heap anew for each 20 MB of audio, which took a worker more time than all else. What the heap
 * holds between jobs is some 50 MB, and its limit (`--max-old-space-size`) stands.
 */
export function letHeapGrow(): void {
  setFlagsFromString(`--heap-growing-percent=${String(HEAP_GROWTH_PERCENT)}`);
}
