import type { Logger } from '#telemetry';
import type { OnModuleDestroy, OnModuleInit } from '@nestjs/common';
import type { LeaseTable } from './lease-table.js';

/** Looks for ended leases as long as the service runs. */
export class LeaseSweeper implements OnModuleInit, OnModuleDestroy {
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly leases: LeaseTable,
    private readonly logger: Logger,
  ) {}

  onModuleInit(): void {
    this.timer = setInterval(() => {
      for (const { id, address, description } of this.leases.sweep()) {
        this.logger.warn({ instance: id, address, engine: description.engine }, 'an engine instance fell silent');
      }
    }, this.leases.settings.sweepMs);
    this.timer.unref();
  }

  onModuleDestroy(): void {
    clearInterval(this.timer);
  }
}
