import type { GrpcTls } from '#grpc';
import { type Logger, Metrics } from '#telemetry';
import { type DynamicModule, Module } from '@nestjs/common';
import { type BreakerSettings, defaultBreakerSettings } from './breaker.js';
import { BreakerProber } from './breaker-prober.js';
import { EngineRegistryService } from './engine-registry.service.js';
import { LeaseSweeper } from './lease-sweeper.js';
import { defaultLeaseSettings, type LeaseSettings, LeaseTable } from './lease-table.js';
import { RegistryMetrics } from './registry-metrics.js';
import { defaultProbeSettings, type ProbeSettings, SpeechProbe } from './speech-probe.js';

export interface RegistrySettings {
  readonly leases: LeaseSettings;
  readonly breaker: BreakerSettings;
  readonly probe: ProbeSettings;
}

export const defaultRegistrySettings: RegistrySettings = {
  leases: defaultLeaseSettings,
  breaker: defaultBreakerSettings,
  probe: defaultProbeSettings,
};

export interface RegistryModuleParts {
  readonly logger: Logger;
  readonly metrics: Metrics | undefined;
  /** With what engines are called to probe them; in the clear where absent. */
  readonly tls: GrpcTls | undefined;
  readonly settings: RegistrySettings;
}

@Module({})
export class EngineRegistryModule {
  static with({ logger, metrics, tls, settings }: RegistryModuleParts): DynamicModule {
    return {
      module: EngineRegistryModule,
      providers: [
        { provide: LeaseTable, useFactory: () => new LeaseTable(settings.leases, settings.breaker) },
        {
          provide: RegistryMetrics,
          inject: [LeaseTable],
          useFactory: (leases: LeaseTable) => new RegistryMetrics(metrics ?? new Metrics(), leases),
        },
        {
          provide: EngineRegistryService,
          inject: [LeaseTable, RegistryMetrics],
          useFactory: (leases: LeaseTable, told: RegistryMetrics) => new EngineRegistryService(leases, told, logger),
        },
        {
          provide: LeaseSweeper,
          inject: [LeaseTable],
          useFactory: (leases: LeaseTable) => new LeaseSweeper(leases, logger),
        },
        {
          provide: BreakerProber,
          inject: [LeaseTable, RegistryMetrics],
          useFactory: (leases: LeaseTable, told: RegistryMetrics) =>
            new BreakerProber(leases, new SpeechProbe(settings.probe, tls), told, logger),
        },
      ],
    };
  }
}
