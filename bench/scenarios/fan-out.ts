import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import type { JobEventBody } from '#contracts';
import { createEventBus } from '#events';
import { createLogger } from '#telemetry';
import { eventually } from '#testing';
import { BenchMesh } from '../harness/bench-mesh.js';
import { BenchProcess } from '../harness/bench-process.js';
import { JobFeeder } from '../harness/job-feeder.js';
import { cpuMeter } from '../harness/process-usage.js';
import type { Figures, Scenario } from '../harness/scenario.js';
import { speechFile } from '../harness/speech-file.js';

const READERS = 2_000;
const QUICK_READERS = 200;
const READERS_A_JOB = 100;
const EVENTS_A_SECOND = 20;
const SECONDS = 5;
const QUICK_SECONDS = 2;
const ASK_MS = 60_000;
const ARRIVAL_MS = 30_000;
const CPU = 'CPU s';
const P99 = 'p99 lag ms';

interface Seen {
  readonly p99Ms: number;
}

/** What it costs to tell many readers what happens. */
export const fanOut: Scenario = {
  name: 'fan-out',
  title: `SSE readers on one gateway, ${EVENTS_A_SECOND} events a second each job, ${READERS_A_JOB} readers a job, Redis`,
  against: 'a bare Redis subscriber that writes the same bytes to as many responses',
  goals: [
    { figure: CPU, as: 'ratio', wanted: { is: 'at most', value: 1.5 } },
    { figure: P99, as: 'ratio', wanted: { is: 'at most', value: 2 } },
  ],
  growth: { figure: CPU, unit: `${READERS / 16} readers` },
  budget: { quickS: 25, fullS: 140 },
  mostRounds: { quick: 2 },
  amount: (quick) => `${quick ? QUICK_READERS : READERS} readers, ${secondsOf(quick)} s`,
  async open(quick) {
    const mesh = await BenchMesh.start({
      engines: [{ main: 'bench/bare/counting-engine.js' }],
      workers: 0,
      gateways: 1,
      redis: true,
    });
    const bare = await BenchProcess.start('bench/bare/fan-out-server.js', { REDIS_URL: mesh.redisUrl ?? '' });
    const clients = await BenchProcess.start('bench/bare/sse-readers.js', {});
    const feeder = await JobFeeder.open(mesh);
    const media = await feeder.store(speechFile(join(mesh.folder, 'clip.wav'), 1), 'audio/wav');
    const logger = createLogger('bench', 'silent');
    const events = createEventBus({ databaseUrl: mesh.databaseUrl, redisUrl: mesh.redisUrl, logger });
    const redis = new Redis(mesh.redisUrl ?? '');

    const run = async (
      readers: number,
      server: BenchProcess,
      path: (job: string) => string,
      publish: (job: string, stamp: string) => Promise<unknown>,
    ): Promise<Figures> => {
      // New ones each time: a late reader is told what was before, which is not what is measured.
      const jobs: string[] = [];
      for (let count = 0; count < readers / READERS_A_JOB; count += 1) jobs.push(await feeder.submit(media));
      const wanted = { url: server.http, paths: jobs.map(path), readers };
      await clients.ask({ connect: wanted }, ASK_MS);
      const cpu = cpuMeter([server.pid]);
      const ticks = EVENTS_A_SECOND * secondsOf(quick);
      const due = readers * ticks;
      await tick(ticks, async () => {
        await Promise.all(jobs.map((job) => publish(job, `at:${Date.now()}`)));
      });
      // What is on its way still counts.
      const haveCome = async () => (await clients.ask<{ events: number }>({ count: true }, ASK_MS)).events >= due;
      await eventually('all events to come', haveCome, ARRIVAL_MS);
      const used = cpu();
      const { p99Ms } = await clients.ask<Seen>({ collect: true }, ASK_MS);
      return { [CPU]: used, [P99]: p99Ms };
    };
    const runMesh = (readers: number) =>
      run(
        readers,
        mesh.gateways[0] ?? bare,
        (job) => `/api/transcribe/jobs/stream/${job}`,
        (job, stamp) => events.publish(job, [statusEvent(job, stamp)]),
      );
    const readers = quick ? QUICK_READERS : READERS;
    return {
      mesh: () => runMesh(readers),
      grow: (times) => runMesh((readers * times) / 16),
      bare: () =>
        run(
          readers,
          bare,
          (job) => `/${job}`,
          (job, stamp) => redis.publish(`/${job}`, frame(job, stamp)),
        ),
      async close() {
        redis.disconnect();
        await events.close();
        await feeder.close();
        await clients.stop();
        await bare.stop();
        await mesh.close();
      },
    };
  },
};

function secondsOf(quick: boolean): number {
  return quick ? QUICK_SECONDS : SECONDS;
}

/** Does it at so many ticks of the events' clock. */
async function tick(count: number, what: () => Promise<void>): Promise<void> {
  const started = performance.now();
  for (let number = 0; number < count; number += 1) {
    const wait = started + (number * 1000) / EVENTS_A_SECOND - performance.now();
    if (wait > 0) await delay(wait);
    await what();
  }
}

function statusEvent(jobId: string, message: string): JobEventBody {
  return { type: 'status', data: { job_id: jobId, status: 'queued', progress: 0, stage: 'queued', message } };
}

/** The same bytes as the gateway writes for such an event, as an HTTP chunk carries them. */
function frame(job: string, stamp: string): string {
  return `id: 1\ndata: ${JSON.stringify(statusEvent(job, stamp).data)}\n\n`;
}
