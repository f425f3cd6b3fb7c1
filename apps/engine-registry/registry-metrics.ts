import { breakerStates, type EngineInstance, type EngineKind, type EndedCall } from '#contracts';
import type { Metrics, Reading } from '#telemetry';
import type { ProbeOutcome } from './breaker.js';
import type { LeaseTable } from './lease-table.js';

/** What the registry tells Prometheus. */
export class RegistryMetrics {
  private readonly probes;
  private readonly reports;
  private readonly changes;

  constructor(metrics: Metrics, leases: LeaseTable) {
    const each = (read: (instance: EngineInstance) => number | undefined) => (): Reading =>
      leases.snapshot().instances.flatMap((instance) => {
        const value = read(instance);
        return value === undefined ? [] : [{ labels: labelsOf(instance), value }];
      });
    const instanceLabels = ['engine', 'instance'];
    metrics.reading('polyscribe_registered_engines', 'Engine instances by engine and state.', ['engine', 'state'], () =>
      countByState(leases.snapshot().instances),
    );
    metrics.reading(
      'polyscribe_engine_breaker',
      'Breaker of each engine instance: 1 for the state that it is in.',
      [...instanceLabels, 'state'],
      () => leases.snapshot().instances.flatMap(breakerReading),
    );
    metrics.reading(
      'polyscribe_engine_real_time_factor',
      'Seconds of work for a second of audio as workers measured it, by engine instance.',
      instanceLabels,
      each(({ stats }) => stats.realTimeFactor),
    );
    metrics.reading(
      'polyscribe_engine_error_ratio',
      'Share of calls that failed by the fault of the engine, by engine instance.',
      instanceLabels,
      each(({ stats }) => stats.errorRate),
    );
    this.probes = metrics.counter('polyscribe_engine_probes_total', 'Probes of engines with an open breaker.', [
      'engine',
      'outcome',
    ]);
    this.reports = metrics.counter('polyscribe_reported_calls_total', 'Calls of engines that workers reported.', [
      'outcome',
    ]);
    this.changes = metrics.counter('polyscribe_breaker_changes_total', 'How often calls opened or closed a breaker.', [
      'engine',
      'state',
    ]);
  }

  probed(engine: EngineKind, outcome: ProbeOutcome['kind']): void {
    this.probes.inc({ engine, outcome });
  }

  reported(calls: readonly EndedCall[]): void {
    for (const { error } of calls) this.reports.inc({ outcome: error?.code ?? 'success' });
  }

  breakerChanged({ description, breaker }: EngineInstance): void {
    this.changes.inc({ engine: description.engine, state: breaker.state });
  }
}

function labelsOf({ id, description }: EngineInstance): { engine: string; instance: string } {
  return { engine: description.engine, instance: id };
}

function breakerReading(instance: EngineInstance): Reading {
  return breakerStates.map((state) => ({
    labels: { ...labelsOf(instance), state },
    value: Number(instance.breaker.state === state),
  }));
}

function countByState(instances: readonly EngineInstance[]): Reading {
  const counts = new Map<string, { labels: { engine: string; state: string }; value: number }>();
  for (const { description } of instances) {
    const labels = { engine: description.engine, state: description.health.state };
    const key = `${labels.engine} ${labels.state}`;
    counts.set(key, { labels, value: (counts.get(key)?.value ?? 0) + 1 });
  }
  return [...counts.values()];
}
