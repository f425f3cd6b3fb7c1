import { once, setMaxListeners } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from '#testing';
import { Cluster, type ClusterSize } from './cluster.js';
import { EventReader } from './event-reader.js';
import { type Fault, faultSchedule } from './faults.js';
import { judge, type Judgement } from './judge.js';
import { Random } from './random.js';
import { type SpokenItem, spokenItem } from './spoken-item.js';
import { submitItem } from './submit-item.js';

export interface ChaosOptions {
  readonly seed: number;
  readonly size: ClusterSize;
  readonly jobs: number;
  readonly faults: number;
  /** The share of faults that strike while the last one is not yet recovered from. */
  readonly overlap: number;
  /** How many of the jobs have recordings of more than one span. */
  readonly longJobs: number;
  /** Breaks the run off; everything is stopped all the same. */
  readonly signal?: AbortSignal;
  /** Told what happens. */
  readonly log: (line: string) => void;
}

export interface Recovery {
  readonly fault: string;
  /**
   * From the fault until every process is up, a job sent after it is completed, and every job that ran at the time is
   * known to have got on.
   */
  readonly ms: number;
}

export interface ChaosOutcome extends Judgement {
  readonly accepted: number;
  readonly readers: number;
  /** How often readers came back. */
  readonly reconnections: number;
  readonly recoveries: readonly Recovery[];
  /** Names of processes that ended by themselves. */
  readonly crashes: readonly string[];
  readonly seconds: number;
  /** The end of every process's log, where something went wrong. */
  readonly logs: string;
}

const SHORT_SENTENCES = [3, 10] as const;
/** About four minutes. */
const LONG_SENTENCES = 120;
const PROBE_PRIORITY = 9;
const RECOVERY_DEADLINE_MS = 90_000;
const END_DEADLINE_MS = 180_000;
/** A fault strikes within that time after its share of the jobs was sent. */
const STRIKE_WITHIN_MS = 1_500;
/** What is heard so soon after a fault may have been said before it. */
const OLD_NEWS_MS = 1_000;
/** Before the next fault strikes while the last one is still felt. */
const OVERLAP_MS = [500, 4_000] as const;

/** One run: jobs go in, faults strike, and in the end everything is held against what was said. */
export async function runChaos(options: ChaosOptions): Promise<ChaosOutcome> {
  const started = performance.now();
  const cluster = await Cluster.start(options.size);
  const run = new ChaosRun(cluster, options);
  try {
    await Promise.race([run.go(), ...(options.signal ? [brokenOff(options.signal)] : [])]);
    return await run.outcome(started);
  } finally {
    run.stop();
    await cluster.close();
  }
}

async function brokenOff(signal: AbortSignal): Promise<never> {
  signal.throwIfAborted();
  await once(signal, 'abort');
  throw new Error('The run was broken off.');
}

class ChaosRun {
  private readonly random: Random;
  private readonly items: SpokenItem[] = [];
  private sentJobs = 0;
  private readonly accepted: string[] = [];
  private readonly readers: EventReader[] = [];
  private readonly sending: Promise<void>[] = [];
  private readonly recovering: Promise<void>[] = [];
  private readonly recoveries: Recovery[] = [];
  private readonly refused: string[] = [];
  private readonly ending = new AbortController();

  constructor(
    private readonly cluster: Cluster,
    private readonly options: ChaosOptions,
  ) {
    this.random = new Random(options.seed);
    // Every reader listens, and there are hundreds.
    setMaxListeners(0, this.ending.signal);
  }

  async go(): Promise<void> {
    const { jobs, overlap } = this.options;
    const schedule = faultSchedule(this.options.faults, this.random);
    for (const [index, fault] of schedule.entries()) {
      const due = Math.ceil((jobs * (index + 1)) / schedule.length);
      while (this.sentJobs < due) this.sendNext();
      await delay(this.random.between(0, STRIKE_WITHIN_MS));
      const recovery = this.strike(fault);
      // Waited for below, or no more where the run is broken off.
      recovery.catch(() => undefined);
      this.recovering.push(recovery);
      if (this.random.next() < overlap) await delay(this.random.between(...OVERLAP_MS));
      else await Promise.all(this.recovering);
    }
    await Promise.all(this.recovering);
    await Promise.all(this.sending);
    await this.cluster.untilAllReady();
    await eventually('every reader to reach the end', () => this.readers.every(({ ended }) => ended), END_DEADLINE_MS)
      // What is missing is told by the judgement.
      .catch((error: unknown) => this.options.log(String(error)));
  }

  async outcome(started: number): Promise<ChaosOutcome> {
    const http = this.cluster.gateways[0]?.http ?? '';
    const judgement = await judge(http, this.items, this.accepted, this.readers);
    judgement.losses.push(...this.refused);
    const { crashes } = this.cluster;
    const failed = [judgement.losses, judgement.duplicates, judgement.gaps, crashes].some((list) => list.length > 0);
    return {
      ...judgement,
      accepted: this.accepted.length,
      readers: this.readers.length,
      reconnections: this.readers.reduce((sum, reader) => sum + Math.max(0, reader.connections - 1), 0),
      recoveries: this.recoveries,
      crashes,
      seconds: (performance.now() - started) / 1000,
      logs: failed ? this.cluster.logExcerpts() : '',
    };
  }

  stop(): void {
    this.ending.abort();
  }

  private sendNext(): void {
    const { jobs, longJobs } = this.options;
    const isLong = this.sentJobs % Math.ceil(jobs / longJobs) === 0;
    this.sentJobs += 1;
    this.send(isLong ? LONG_SENTENCES : this.random.between(...SHORT_SENTENCES));
  }

  /** Sends a recording, and lets a reader follow its job; every fourth job has two. */
  private send(sentences: number, priority?: number): { readers: EventReader[]; sent: Promise<void> } {
    const item = spokenItem(this.items.length, sentences, this.random);
    this.items.push(item);
    const first = this.random.between(0, this.cluster.gateways.length - 1);
    const readers: EventReader[] = [];
    const readerRandoms = Array.from({ length: this.items.length % 4 === 0 ? 2 : 1 }, () => this.newRandom());
    const sent = submitItem(this.cluster, item, first, priority).then(
      ({ job_id: jobId }) => {
        this.accepted.push(jobId);
        for (const [index, random] of readerRandoms.entries()) {
          const reader = new EventReader(this.cluster, jobId, first + index + 1, random);
          readers.push(reader);
          void reader.readToEnd(this.ending.signal);
        }
        this.readers.push(...readers);
      },
      (error: unknown) => {
        this.refused.push(String(error));
      },
    );
    this.sending.push(sent);
    return { readers, sent };
  }

  /** Each reader draws its own numbers: the order in which answers come must not change the schedule. */
  private newRandom(): Random {
    return new Random(this.random.between(0, 2 ** 31));
  }

  private async strike(fault: Fault): Promise<void> {
    const { log } = this.options;
    const begun = performance.now();
    const open = this.readers.filter((reader) => reader.begun && !reader.ended);
    log(`fault: ${fault.name} while ${new Set(open.map(({ jobId }) => jobId)).size} jobs run`);
    await fault.make(this.cluster, this.random);
    const mended = performance.now();
    const probe = this.send(3, PROBE_PRIORITY);
    await probe.sent;
    await this.cluster.untilAllReady();
    const recovered = () =>
      probe.readers.every(({ ended }) => ended) &&
      open.every(({ ended, heardAt }) => ended || heardAt > mended + OLD_NEWS_MS);
    await eventually(`recovery from: ${fault.name}`, recovered, RECOVERY_DEADLINE_MS)
      // What is missing is told by the judgement.
      .catch((error: unknown) => log(String(error)));
    const ms = performance.now() - begun;
    this.recoveries.push({ fault: fault.name, ms });
    log(`recovered from: ${fault.name} after ${(ms / 1000).toFixed(1)} s`);
  }
}
