import { setTimeout as delay } from 'node:timers/promises';
import type { RemoteLeaseRepository } from '#persistence';
import type { Logger } from '#telemetry';
import type { JobConsumer } from './job-consumer.js';
import { Rounds } from './rounds.js';

/** Jobs that a worker makes ready or finishes at once: they cost it little, and are not to wait for its own jobs. */
const AT_ONCE = 4;
/** Others that are looked at meanwhile: workers that look at the same time then find different ones. */
const PAGE = 16;

/**
 * Sees to the jobs that workers elsewhere do. They are in no queue: the rows say what is due when, so that a message that
 * a gateway took from a remote worker is never lost, whoever dies.
 */
export class RemoteLoop {
  private readonly rounds: Rounds;
  private readonly running = new Map<string, Promise<void>>();
  private readonly stopping = new AbortController();

  constructor(
    private readonly jobs: Pick<RemoteLeaseRepository, 'due'>,
    private readonly consumer: Pick<JobConsumer, 'handleJob'>,
    everyMs: number,
    private readonly logger: Logger,
  ) {
    this.rounds = new Rounds('jobs of remote workers', () => this.look(), everyMs, logger);
  }

  start(): void {
    this.rounds.start();
  }

  /** What runs has the time of grace to end; then it is broken off, and another worker goes on. */
  async stop(graceMs: number): Promise<void> {
    await this.rounds.stop();
    const ended = Promise.all(this.running.values());
    const grace = new AbortController();
    const over = delay(graceMs, undefined, { signal: grace.signal }).catch(() => undefined);
    await Promise.race([ended, over]);
    grace.abort();
    this.stopping.abort();
    await ended;
  }

  private async look(): Promise<void> {
    if (this.running.size >= AT_ONCE) return;
    for (const jobId of await this.jobs.due(PAGE)) {
      if (this.running.size >= AT_ONCE) return;
      if (!this.running.has(jobId)) this.run(jobId);
    }
  }

  private run(jobId: string): void {
    const work = this.handle(jobId).finally(() => this.running.delete(jobId));
    this.running.set(jobId, work);
  }

  private async handle(jobId: string): Promise<void> {
    try {
      await this.consumer.handleJob(jobId, this.stopping.signal);
    } catch (error) {
      // The row stands as it was, and its lease runs out: it is due again.
      this.logger.warn({ err: error, jobId }, 'could not see to a job of a remote worker; trying again');
    }
  }
}
