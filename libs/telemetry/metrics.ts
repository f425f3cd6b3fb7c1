import { collectDefaultMetrics, Counter, Gauge, Histogram, type Metric, Registry } from 'prom-client';

/** Values that belong to one name, told apart by their labels. */
export type Reading = readonly { readonly labels?: Readonly<Record<string, string>>; readonly value: number }[];

/** Prometheus gives up after ten seconds; a part that is away must not cost it the rest. */
const READ_DEADLINE_MS = 2_000;

/**
 * What a process tells Prometheus. Services that share a process share it; each asks for what it counts by name, and gets
 * the same again where another has asked before.
 */
export class Metrics {
  private readonly registry = new Registry();

  /** With what every Node process has to tell: memory, processor time, lag of the event loop. */
  static ofProcess(): Metrics {
    const metrics = new Metrics();
    collectDefaultMetrics({ register: metrics.registry });
    return metrics;
  }

  get contentType(): string {
    return this.registry.contentType;
  }

  /** In Prometheus' text form. */
  render(): Promise<string> {
    return this.registry.metrics();
  }

  counter<Label extends string>(name: string, help: string, labelNames: readonly Label[] = []): Counter<Label> {
    return this.once(name, Counter<Label>, (registers) => new Counter({ name, help, labelNames, registers }));
  }

  gauge<Label extends string>(name: string, help: string, labelNames: readonly Label[] = []): Gauge<Label> {
    return this.once(name, Gauge<Label>, (registers) => new Gauge({ name, help, labelNames, registers }));
  }

  /** @param buckets upper bounds, rising */
  histogram<Label extends string>(
    name: string,
    help: string,
    labelNames: readonly Label[],
    buckets: readonly number[],
  ): Histogram<Label> {
    const settings = { name, help, labelNames, buckets: [...buckets] };
    return this.once(name, Histogram<Label>, (registers) => new Histogram({ ...settings, registers }));
  }

  /** Values that are read when Prometheus asks. What cannot be read is left out: an old or made-up value would mislead. */
  reading(name: string, help: string, labelNames: readonly string[], read: () => Reading | Promise<Reading>): void {
    const gauge: Gauge = new Gauge({
      name,
      help,
      labelNames,
      registers: [this.registry],
      async collect() {
        gauge.reset();
        // Without labels a reset means 0, which would be told.
        if (labelNames.length === 0) gauge.remove();
        for (const { labels = {}, value } of await inTime(read)) gauge.set(labels, value);
      },
    });
  }

  private once<M extends Metric>(
    name: string,
    Kind: abstract new (settings: never) => M,
    make: (registers: Registry[]) => M,
  ): M {
    const known: unknown = this.registry.getSingleMetric(name);
    return known instanceof Kind ? known : make([this.registry]);
  }
}

async function inTime(read: () => Reading | Promise<Reading>): Promise<Reading> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Reading>((resolve) => {
    timer = setTimeout(() => resolve([]), READ_DEADLINE_MS);
  });
  try {
    return await Promise.race([read(), late]);
  } catch {
    return [];
  } finally {
    clearTimeout(timer);
  }
}
