import type { EngineInstance } from '#contracts';
import type { Prospects } from './prospects.js';
import type { SpanLengths } from './span-lengths.js';

/** The work that is about to begin. */
export interface WorkAhead {
  /** All channels together; undefined when the file does not say. */
  readonly audioMs: number | undefined;
  readonly lanes: number;
  /** Each channel in one span. */
  readonly whole: boolean;
  readonly lengths: SpanLengths;
}

/**
 * How long the engines should take, by what was measured of the one that is chosen first and by how many spans are worked
 * on side by side; undefined where nothing was measured or the length is not known.
 */
export function expectedWorkMs(work: WorkAhead, { able, places }: Prospects): number | undefined {
  const pace = paceOf(able[0]);
  if (work.audioMs === undefined || pace === undefined) return undefined;
  const spans = work.whole ? work.lanes : Math.ceil(work.audioMs / work.lengths.targetMs);
  return (work.audioMs * pace) / Math.max(1, Math.min(places, spans));
}

/** Seconds of work for a second of audio. */
function paceOf(instance: EngineInstance | undefined): number | undefined {
  const measured = instance?.stats.realTimeFactor;
  if (measured !== undefined) return measured;
  // What the engine says of itself, until somebody has measured it.
  return instance && instance.speed > 0 ? 1 / instance.speed : undefined;
}
