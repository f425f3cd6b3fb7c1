import type { OnModuleDestroy, OnModuleInit } from '@nestjs/common';
import type { EngineInstance } from '#contracts';
import type { Logger } from '#telemetry';
import type { ProbeOutcome } from './breaker.js';
import type { LeaseTable } from './lease-table.js';
import type { RegistryMetrics } from './registry-metrics.js';

/** Pauses are seconds; that much later does not matter. */
const LOOK_EVERY_MS = 250;
/** When all engines fail at once their probes are not to be a load of their own. */
const MOST_AT_ONCE = 8;

/** Tries out an instance; it never rejects. */
export interface Probe {
  run(instance: EngineInstance, signal: AbortSignal): Promise<ProbeOutcome>;
}

/** Probes instances whose breaker has been open for long enough, in the background, as long as the service runs. */
export class BreakerProber implements OnModuleInit, OnModuleDestroy {
  private readonly stopping = new AbortController();
  private readonly running = new Set<Promise<void>>();
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly leases: LeaseTable,
    private readonly probe: Probe,
    private readonly metrics: RegistryMetrics,
    private readonly logger: Logger,
  ) {}

  onModuleInit(): void {
    this.timer = setInterval(() => this.look(), LOOK_EVERY_MS);
    this.timer.unref();
  }

  async onModuleDestroy(): Promise<void> {
    clearInterval(this.timer);
    this.stopping.abort();
    await Promise.all(this.running);
  }

  private look(): void {
    for (const instance of this.leases.takeDueProbes(MOST_AT_ONCE - this.running.size)) {
      const running = this.run(instance).finally(() => this.running.delete(running));
      this.running.add(running);
    }
  }

  private async run(instance: EngineInstance): Promise<void> {
    const { id, description } = instance;
    const { engine } = description;
    const outcome = await this.probe.run(instance, this.stopping.signal);
    this.metrics.probed(engine, outcome.kind);
    const breaker = this.leases.probeEnded(id, outcome)?.breaker;
    const { state, reason } = breaker ?? {};
    this.logger.info({ instance: id, engine, outcome: outcome.kind, breaker: state, reason }, 'an engine was probed');
  }
}
