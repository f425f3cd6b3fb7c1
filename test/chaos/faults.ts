import { setTimeout as delay } from 'node:timers/promises';
import type { Cluster, ProcessKind } from './cluster.js';
import type { Random } from './random.js';

/** The lease of a job lasts 10 s: after this pause another worker has taken over what the paused one was at. */
const LONGER_THAN_A_LEASE_MS = 13_000;
const OBJECTS_AWAY_MS = 5_000;
const SERVER_AWAY_MS = 1_000;

export interface Fault {
  readonly name: string;
  /** Breaks something, and resolves when what broke may work again. */
  make(cluster: Cluster, random: Random): Promise<void>;
}

/** Everything that a mesh has to live through. */
export const faults: readonly Fault[] = [
  killOf('gateway'),
  killOf('worker'),
  killOf('engine-registry'),
  killOf('engine'),
  {
    name: 'restart Redis',
    make: async ({ backing: { redis } }) => {
      await redis.kill();
      await delay(SERVER_AWAY_MS);
      await redis.startAgain();
    },
  },
  { name: 'flush Redis', make: ({ backing: { redis } }) => redis.flush() },
  {
    name: 'restart PostgreSQL',
    make: async ({ backing: { postgres } }, random) => {
      if (random.next() < 0.5) await postgres.kill();
      else await postgres.stop();
      await delay(SERVER_AWAY_MS);
      await postgres.startAgain();
    },
  },
  {
    name: 'refuse objects for 5 s',
    make: async ({ backing: { objectLink } }) => {
      objectLink.cut();
      await delay(OBJECTS_AWAY_MS);
      objectLink.restore();
    },
  },
  {
    name: 'pause a worker past its lease',
    make: async (cluster, random) => {
      const worker = random.pick(cluster.of('worker'));
      worker.pause();
      await delay(LONGER_THAN_A_LEASE_MS);
      worker.resume();
    },
  },
];

/** A schedule of that many faults: all kinds in turn, each round in another order. */
export function faultSchedule(count: number, random: Random): Fault[] {
  const schedule: Fault[] = [];
  while (schedule.length < count) schedule.push(...random.shuffled(faults));
  return schedule.slice(0, count);
}

function killOf(kind: ProcessKind): Fault {
  return { name: `kill -9 ${kind}`, make: (cluster, random) => random.pick(cluster.of(kind)).kill() };
}
