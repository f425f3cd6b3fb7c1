import type { Logger } from '#telemetry';

/** Looks for something again and again, one look after the other. An outage is told of when it begins and when it ends. */
export class Rounds {
  private timer: NodeJS.Timeout | undefined;
  private round: Promise<void> = Promise.resolve();
  private stopped = false;
  private failing = false;

  /** @param what is looked for, for the log */
  constructor(
    private readonly what: string,
    private readonly look: () => Promise<void>,
    private readonly everyMs: number,
    private readonly logger: Logger,
  ) {}

  start(): void {
    // Jitter keeps workers that started together from looking together.
    this.timer = setTimeout(
      () => {
        this.round = this.once().finally(() => {
          if (!this.stopped) this.start();
        });
      },
      this.everyMs * (0.75 + 0.5 * Math.random()),
    );
  }

  /** Waits for a look that is under way. */
  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.round;
  }

  private async once(): Promise<void> {
    try {
      await this.look();
      if (this.failing) this.logger.info(`can look for ${this.what} again`);
      this.failing = false;
    } catch (error) {
      if (this.failing) this.logger.debug({ err: error }, `still could not look for ${this.what}`);
      else this.logger.warn({ err: error }, `could not look for ${this.what}; trying again`);
      this.failing = true;
    }
  }
}
