import type { Logger } from '#telemetry';
import { plainRedisError } from './redis-error.js';

/** One line for an outage and one for its end, not one for each attempt to connect. */
export class OutageLog {
  private away = false;

  /** @param what whose connection it is, such as `job events` */
  constructor(
    private readonly what: string,
    private readonly logger: Logger,
  ) {}

  lost(error: unknown): void {
    const err = plainRedisError(error);
    if (this.away) this.logger.debug({ err }, `Redis is still away (${this.what})`);
    else this.logger.warn({ err }, `lost Redis (${this.what}); still trying`);
    this.away = true;
  }

  back(): void {
    if (this.away) this.logger.info(`Redis is back (${this.what})`);
    this.away = false;
  }
}
