import type { Logger } from '#telemetry';
import { type DynamicModule, Module } from '@nestjs/common';
import { EngineRegistryService } from './engine-registry.service.js';
import { LeaseSweeper } from './lease-sweeper.js';
import { type LeaseSettings, LeaseTable } from './lease-table.js';

@Module({})
export class EngineRegistryModule {
  static with(logger: Logger, settings: LeaseSettings): DynamicModule {
    return {
      module: EngineRegistryModule,
      providers: [
        EngineRegistryService,
        { provide: LeaseTable, useFactory: () => new LeaseTable(settings) },
        {
          provide: LeaseSweeper,
          inject: [LeaseTable],
          useFactory: (leases: LeaseTable) => new LeaseSweeper(leases, logger),
        },
      ],
    };
  }
}
