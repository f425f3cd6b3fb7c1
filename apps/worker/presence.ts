import type { WorkerRepository } from '#persistence';
import type { Logger } from '#telemetry';

const BEAT_EVERY_MS = 5_000;

/** Lets the mesh know that this worker runs, also while it has no job. */
export class Presence {
  private timer: NodeJS.Timeout | undefined;
  private beating: Promise<void> = Promise.resolve();

  constructor(
    private readonly workerId: string,
    private readonly workers: Pick<WorkerRepository, 'beat' | 'leave'>,
    private readonly logger: Logger,
  ) {}

  start(): void {
    this.beat();
    this.timer = setInterval(() => this.beat(), BEAT_EVERY_MS);
  }

  async stop(): Promise<void> {
    clearInterval(this.timer);
    await this.beating;
    await this.unlessAway(this.workers.leave(this.workerId));
  }

  private beat(): void {
    this.beating = this.beating.then(() => this.unlessAway(this.workers.beat(this.workerId)));
  }

  /** While the database is away the worker is not counted, and comes back with its next beat. */
  private async unlessAway(told: Promise<void>): Promise<void> {
    try {
      await told;
    } catch (error) {
      this.logger.debug({ err: error }, 'could not tell that the worker runs');
    }
  }
}
