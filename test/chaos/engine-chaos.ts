import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type BreakerState,
  type EngineChoice,
  type EngineKind,
  engineKinds,
  type FailedAttempt,
  type Job,
  type Transcript,
  hasEnded,
} from '#contracts';
import { RegistryWatcher } from '#engine-client';
import { type Behaviour, ScriptedEngine } from '#engine-testkit';
import { createLogger } from '#telemetry';
import { eventually } from '#testing';
import { TestMesh } from '../support/mesh.js';
import { Random } from './random.js';
import { type SpokenItem, spokenItem } from './spoken-item.js';
import { SupervisedProcess } from './supervised-process.js';

export interface EngineChaosOptions {
  readonly seed: number;
  /** Faults that strike, one after another. */
  readonly faults: number;
  /** Told what happens. */
  readonly log: (line: string) => void;
}

export interface EngineChaosOutcome {
  readonly jobs: number;
  /** Jobs that did not complete with what was said, or that reached an engine which they must not. */
  readonly failures: string[];
  /** Jobs of which a call failed or was doubted, with how much longer they took than others, in milliseconds. */
  readonly addedMs: readonly number[];
  /** How often breakers opened, closed again, and went with their instance before they did. */
  readonly opened: number;
  readonly closed: number;
  readonly gone: number;
  /** Breakers that were not closed in the end. */
  readonly leftOpen: readonly string[];
  readonly seconds: number;
}

type Fault = 'kill' | 'hang' | 'slow' | 'garbage' | 'empty' | 'fail';

const faultKinds: readonly Fault[] = ['kill', 'hang', 'slow', 'garbage', 'empty', 'fail'];
const moods: Readonly<Record<Exclude<Fault, 'kill'>, Behaviour>> = {
  hang: { kind: 'hang', afterSegments: 1 },
  slow: { kind: 'slow', workMsPerSecond: 300 },
  garbage: { kind: 'garbage' },
  empty: { kind: 'empty' },
  fail: { kind: 'fail', code: 'engine_unavailable', afterSegments: 1 },
};

/** Faults that show at once: these last until the breaker has opened. */
const lastsUntilOpen: readonly Fault[] = ['garbage', 'fail'];
const MOST_BURSTS = 6;

const WORK_MS_PER_SECOND = 20;
/** Few enough that the router cannot leave an engine out which it distrusts. */
const PLACES = 1;
/** An engine is taken for hung after that long. */
const CALL_MS = 6_000;
/** Jobs that are sent while a fault lasts. */
const BURST = 7;
const END_DEADLINE_MS = 180_000;
/** Breakers are probed after 5 s at first, later after longer. */
const CLOSE_DEADLINE_MS = 120_000;

/** Two engines of each kind, one of which misbehaves on command and one of which is a process that can be killed. */
export async function runEngineChaos(options: EngineChaosOptions): Promise<EngineChaosOutcome> {
  const started = performance.now();
  const mesh = await TestMesh.start();
  const run = new EngineChaosRun(mesh, options);
  try {
    await run.start();
    await run.go();
    return { ...(await run.outcome()), seconds: (performance.now() - started) / 1000 };
  } finally {
    await run.stop();
    await mesh.stop();
  }
}

interface Sent {
  readonly job: Job;
  readonly item: SpokenItem;
  readonly engine: EngineChoice;
  readonly allowFallback: boolean;
}

class EngineChaosRun {
  private readonly random: Random;
  private readonly moods = new Map<EngineKind, Behaviour>();
  private readonly engines = new Map<EngineKind, ScriptedEngine>();
  private readonly processes = new Map<EngineKind, SupervisedProcess>();
  private readonly watcher: RegistryWatcher;
  private readonly breakers = new Map<string, BreakerState>();
  private readonly sent: Sent[] = [];
  private opened = 0;
  private closed = 0;
  private gone = 0;

  constructor(
    private readonly mesh: TestMesh,
    private readonly options: EngineChaosOptions,
  ) {
    this.random = new Random(options.seed);
    this.watcher = new RegistryWatcher({ address: mesh.registryUrl, logger: createLogger('test', 'silent') });
    this.watcher.onChange(() => this.noteBreakers());
  }

  async start(): Promise<void> {
    for (const kind of engineKinds) {
      const engine = new ScriptedEngine({
        engine: kind,
        workMsPerSecond: WORK_MS_PER_SECOND,
        capabilities: { maxConcurrency: PLACES },
        behave: () => this.moods.get(kind) ?? { kind: 'work' },
      });
      this.engines.set(kind, engine);
      await this.mesh.host(engine);
      this.processes.set(kind, await this.startProcess(kind));
    }
    await this.untilAllKnown();
    await this.mesh.work({
      maxConcurrency: BURST,
      callBaseMs: CALL_MS,
      callMsPerAudioMs: 0,
      callFloorMs: CALL_MS,
      jobRetry: { firstMs: 500, maxMs: 5_000 },
    });
  }

  async go(): Promise<void> {
    await this.burst('auto');
    await this.untilAllEnded();
    const schedule: Fault[] = [];
    while (schedule.length < this.options.faults) schedule.push(...this.random.shuffled(faultKinds));
    for (const [index, fault] of schedule.slice(0, this.options.faults).entries()) {
      const kind = engineKinds[(index + this.options.seed) % engineKinds.length] ?? 'local';
      await this.strike(fault, kind);
    }
  }

  async outcome(): Promise<Omit<EngineChaosOutcome, 'seconds'>> {
    // Of one that was killed the breaker stays until its lease is over.
    const isClosed = () => this.watcher.snapshot().instances.every(({ breaker }) => breaker.state === 'closed');
    await eventually('the breakers to close', isClosed, CLOSE_DEADLINE_MS).catch(() => undefined);
    const { instances } = this.watcher.snapshot();
    const leftOpen = instances.flatMap(({ id, breaker }) =>
      breaker.state === 'closed' ? [] : [`${id} ${breaker.reason}`],
    );
    const failures: string[] = [];
    const times: { readonly ms: number; readonly isTroubled: boolean }[] = [];
    for (const sent of this.sent) {
      const { job, problem, isTroubled } = await this.judge(sent);
      if (problem !== undefined) failures.push(`${job.id}: ${problem}`);
      times.push({ ms: (job.endedAt?.getTime() ?? 0) - (job.startedAt?.getTime() ?? 0), isTroubled });
    }
    const untroubled = times.filter(({ isTroubled }) => !isTroubled).map(({ ms }) => ms);
    const usual = quantile(untroubled, 0.5);
    const addedMs = times.filter(({ isTroubled }) => isTroubled).map(({ ms }) => Math.max(0, ms - usual));
    return {
      jobs: this.sent.length,
      failures,
      addedMs,
      opened: this.opened,
      closed: this.closed,
      gone: this.gone,
      leftOpen,
    };
  }

  async stop(): Promise<void> {
    await this.watcher.close();
    await Promise.all([...this.processes.values()].map((process) => process.stop()));
  }

  private async startProcess(kind: EngineKind): Promise<SupervisedProcess> {
    const folder = join(this.mesh.config.dataDir, `engine-${kind}`);
    await mkdir(folder, { recursive: true });
    return SupervisedProcess.start({
      name: `engine-${kind}`,
      main: 'libs/engine-testkit/main.js',
      env: {
        ENGINE_REGISTRY_URL: this.mesh.registryUrl,
        DATA_DIR: folder,
        SCRIPTED_ENGINE: kind,
        SCRIPTED_WORK_MS: String(WORK_MS_PER_SECOND),
        SCRIPTED_CONCURRENCY: String(PLACES),
      },
      logFile: join(folder, 'log'),
    });
  }

  /** One fault at one engine, with jobs of every sort on their way. It lasts until they have ended. */
  private async strike(fault: Fault, kind: EngineKind): Promise<void> {
    const began = performance.now();
    if (fault !== 'kill') this.moods.set(kind, moods[fault]);
    const openedBefore = this.opened;
    const before = this.idsOf(kind);
    let bursts = 0;
    do {
      await this.burst(kind);
      if (fault === 'kill') await this.processes.get(kind)?.kill();
      await this.untilAllEnded();
      bursts += 1;
    } while (lastsUntilOpen.includes(fault) && this.opened === openedBefore && bursts < MOST_BURSTS);
    this.moods.delete(kind);
    // The next fault is to be the only one: until its lease is over, the dead one is listed beside the new one.
    if (fault === 'kill') {
      await eventually(`another ${kind}`, () => this.idsOf(kind).some((id) => !before.includes(id)), END_DEADLINE_MS);
      await this.untilAllKnown();
    }
    this.options.log(`${fault} ${kind}: ${((performance.now() - began) / 1000).toFixed(1)} s`);
  }

  /** Jobs for any engine, for that one, and for that one and no other. */
  private async burst(engine: EngineChoice): Promise<void> {
    for (let n = 0; n < BURST; n += 1) {
      const item = spokenItem(this.sent.length, this.random.between(3, 8), this.random);
      const choice = n % 3 === 0 ? 'auto' : engine;
      const allowFallback = n % 3 === 1;
      const job = await this.mesh.submit(item.wav(), { engine: choice, allowFallback });
      this.sent.push({ job, item, engine: choice, allowFallback: allowFallback || choice === 'auto' });
    }
  }

  private idsOf(kind: EngineKind): string[] {
    const { instances } = this.watcher.snapshot();
    return instances.filter(({ description }) => description.engine === kind).map(({ id }) => id);
  }

  private async untilAllKnown(): Promise<void> {
    await Promise.all([...this.processes.values()].map((process) => process.untilReady()));
    const known = () => this.watcher.snapshot().instances.length === 2 * engineKinds.length;
    await eventually('all engines', known, END_DEADLINE_MS);
  }

  private async untilAllEnded(): Promise<void> {
    const open = async () => {
      const jobs = await Promise.all(this.sent.slice(-BURST).map(({ job }) => this.mesh.find(job)));
      return jobs.every(({ status }) => hasEnded(status));
    };
    await eventually('the jobs to end', open, END_DEADLINE_MS);
  }

  private async judge(sent: Sent): Promise<{ job: Job; problem: string | undefined; isTroubled: boolean }> {
    const job = await this.mesh.find(sent.job);
    const transcript = await this.mesh.transcripts.findByJob(job.id);
    const [row] = await this.mesh.database.query<{ attempts: FailedAttempt[] }>(
      `SELECT coalesce(error_details->'attempts', '[]') AS attempts FROM transcript_jobs WHERE job_id = $1`,
      [job.id],
    );
    const attempts = row?.attempts ?? [];
    const isTroubled = attempts.length > 0 || (transcript?.warnings ?? []).some(({ code }) => code === 'empty_text');
    const problem = this.problemOf(sent, job, transcript);
    const calls = attempts.map(({ engine, instance, code }) => `${engine} ${instance} ${code}`).join(', ');
    return { job, problem: problem === undefined ? undefined : `${problem}; calls that failed: ${calls}`, isTroubled };
  }

  private problemOf({ item, engine, allowFallback }: Sent, job: Job, transcript?: Transcript): string | undefined {
    if (job.status !== 'completed') return `${job.status} ${job.failure?.code ?? ''} ${job.failure?.message ?? ''}`;
    const text = transcript?.segments.map((segment) => segment.text).join(' ');
    if (text !== item.text) return 'another text than was said';
    if (allowFallback) return undefined;
    const strangers = engineKinds.filter((kind) => kind !== engine && this.wasAsked(kind, job));
    if (strangers.length > 0) return `${strangers.join(', ')} was asked, which it forbade`;
    return transcript?.engineUsed === engine ? undefined : 'done by an engine that it forbade';
  }

  private wasAsked(kind: EngineKind, { id }: Job): boolean {
    return (this.engines.get(kind)?.calls ?? []).some(({ request }) => request.requestId.startsWith(id));
  }

  private noteBreakers(): void {
    const { instances } = this.watcher.snapshot();
    const listed = new Set(instances.map(({ id }) => id));
    for (const [id, state] of this.breakers) {
      if (listed.has(id)) continue;
      if (state !== 'closed') this.gone += 1;
      this.breakers.delete(id);
    }
    for (const { id, breaker } of instances) {
      const before = this.breakers.get(id) ?? 'closed';
      if (before === 'closed' && breaker.state !== 'closed') this.opened += 1;
      if (before !== 'closed' && breaker.state === 'closed') this.closed += 1;
      this.breakers.set(id, breaker.state);
    }
  }
}

/** What a run found, for people. */
export function engineChaosReport(seed: number, outcome: EngineChaosOutcome): string {
  const { jobs, failures, addedMs, opened, closed, gone, leftOpen, seconds } = outcome;
  const at = (share: number) => `${(quantile(addedMs, share) / 1000).toFixed(1)} s`;
  return [
    `engines: seed ${seed}, ${seconds.toFixed(0)} s, jobs ${jobs}, failures ${failures.length}`,
    `  jobs with a failover ${addedMs.length}, added delay median ${at(0.5)}, p95 ${at(0.95)}, max ${at(1)}`,
    `  breakers opened ${opened}, closed again ${closed}, gone with their instance ${gone}`,
    ...[...failures, ...leftOpen.map((one) => `still open: ${one}`)].map((line) => `  ! ${line}`),
  ].join('\n');
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.ceil(share * sorted.length) - 1] ?? sorted[0] ?? 0;
}
