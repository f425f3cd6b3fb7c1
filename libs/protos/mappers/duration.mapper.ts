import type { Duration } from '../gen/google/protobuf/duration.js';
import type { WireReader } from './wire-fault.js';

const NANOS_PER_MS = 1_000_000;
const NANOS_PER_SECOND = 1_000_000_000;

/** google.protobuf.Duration allows about 10,000 years; ours are lengths of audio and leases: a year is plenty. */
const MAX_SECONDS = 366 * 86_400;

/** @param ms from 0; fractions are kept to the nanosecond */
export function msToDuration(ms: number): Duration {
  const seconds = Math.floor(ms / 1000);
  const nanos = Math.round((ms - seconds * 1000) * NANOS_PER_MS);
  return nanos === NANOS_PER_SECOND ? { seconds: seconds + 1, nanos: 0 } : { seconds, nanos };
}

/** Milliseconds from 0 up to a year; anything else on the wire is a fault. */
export function durationToMs(field: string, duration: Duration | undefined, read: WireReader): number {
  const { seconds, nanos } = read.present(field, duration);
  if (!(seconds >= 0 && seconds <= MAX_SECONDS && nanos >= 0 && nanos < NANOS_PER_SECOND)) {
    read.fail(field, 'must be a duration from 0 to a year');
  }
  return seconds * 1000 + nanos / NANOS_PER_MS;
}
