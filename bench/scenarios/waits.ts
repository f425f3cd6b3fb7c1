import { join } from 'node:path';
import { createEventBus, type EventBus } from '#events';
import { createLogger } from '#telemetry';
import { eventually } from '#testing';
import { RoundTrips } from '../bare/round-trips.js';
import { BenchMesh } from '../harness/bench-mesh.js';
import { EventLag } from '../harness/event-lag.js';
import { JobFeeder } from '../harness/job-feeder.js';
import type { Figures, Scenario } from '../harness/scenario.js';
import { speechFile } from '../harness/speech-file.js';
import { quantile } from '../harness/statistics.js';
import { withinTime } from '../harness/within-time.js';

const EVENTS = 50;
const PICK_UPS = 10;
const DEADLINE_MS = 60_000;
const LAG = 'event lag ms';
const PICK_UP = 'job pick-up ms';
const FAILOVER = 'engine failover ms';
const QUICK_MODEL = 'quick';
/** Its calls last until the job is cancelled or the engine dies. */
const ENDLESS_MODEL = 'endless';
const ENGINE = 'bench/bare/counting-engine.js';
const endless = { MODELS: ENDLESS_MODEL, WORK_MS: String(DEADLINE_MS * 10) };

/** How long people and jobs wait for the mesh while it does nothing but pass something on. */
export const waitsOnRedis = waits('waits-redis', true);
export const waitsOnPostgres = waits('waits-postgres', false);

function waits(name: string, redis: boolean): Scenario {
  const store = redis ? 'Redis' : 'PostgreSQL';
  return {
    name,
    title: `From a worker's event to an SSE reader, from a job's row to its worker, from an engine's death to the next; ${store}`,
    against: `a message from a bare publisher to a bare subscriber, and a bare question and answer, on the same ${store}`,
    goals: [LAG, PICK_UP, FAILOVER].map((figure) => ({ figure, as: 'absolute' })),
    growth: { none: 'a wait of one event, job or span; how waits grow with load is in fan-out and short-jobs' },
    budget: { quickS: 15, fullS: 40 },
    mostRounds: { quick: 1 },
    amount: () => `${EVENTS} events, ${PICK_UPS} jobs, 1 killed engine`,
    async open() {
      const mesh = await BenchMesh.start({
        engines: [{ main: ENGINE, env: { MODELS: QUICK_MODEL } }],
        workers: 1,
        gateways: 1,
        redis,
      });
      const feeder = await JobFeeder.open(mesh);
      const media = await feeder.store(speechFile(join(mesh.folder, 'clip.wav'), 1, '-ar', '16000'), 'audio/wav');
      const { databaseUrl, redisUrl } = mesh;
      const events = createEventBus({ databaseUrl, redisUrl, logger: createLogger('bench', 'silent') });
      const bare = await RoundTrips.open(databaseUrl, redisUrl);
      let serving = await mesh.addEngine(ENGINE, endless);

      const pickUp = async (): Promise<number> => {
        const jobId = await feeder.submit(media, { model: QUICK_MODEL });
        const taken = async () => (await feeder.taken(jobId)).afterMs;
        return eventually('the job to be taken', taken, DEADLINE_MS);
      };
      const failover = async (jobId: string): Promise<number> => {
        const next = await mesh.addEngine(ENGINE, endless);
        const redone = untilRedone(events, jobId);
        const killed = performance.now();
        await serving.kill();
        serving = next;
        return (await redone) - killed;
      };
      return {
        async mesh(): Promise<Figures> {
          const pickUps = await times(PICK_UPS, pickUp);
          const jobId = await feeder.submit(media, { model: ENDLESS_MODEL });
          await feeder.begun(jobId, DEADLINE_MS);
          const lag = new EventLag(events, mesh.http, jobId);
          await lag.once();
          const lags = await times(EVENTS, () => lag.once());
          const figures = { [LAG]: quantile(lags, 0.5), [PICK_UP]: quantile(pickUps, 0.5) };
          const failoverMs = await failover(jobId);
          await feeder.cancel(jobId, DEADLINE_MS);
          await lag.ended();
          return { ...figures, [FAILOVER]: failoverMs };
        },
        async bare(): Promise<Figures> {
          const lags = await times(EVENTS, () => bare.message());
          const answers = await times(EVENTS, () => bare.answer());
          return { [LAG]: quantile(lags, 0.5), [PICK_UP]: quantile(answers, 0.5) };
        },
        async close() {
          await bare.close();
          await events.close();
          await feeder.close();
          await mesh.close();
        },
      };
    },
  };
}

/** When the job's readers are told to forget what a dead engine said: the next one has been chosen then. */
async function untilRedone(events: EventBus, jobId: string): Promise<number> {
  const subscription = events.subscribe(jobId, 0);
  const listen = async (): Promise<number> => {
    for await (const { type } of subscription) if (type === 'void') return performance.now();
    throw new Error('The events ended before the span was redone.');
  };
  try {
    return await withinTime('The next engine', DEADLINE_MS, listen());
  } finally {
    subscription.close();
  }
}

/** One after another. */
async function times(count: number, what: () => Promise<number>): Promise<number[]> {
  const values: number[] = [];
  for (let done = 0; done < count; done += 1) values.push(await what());
  return values;
}
