import { Injectable } from '@nestjs/common';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { jobStatuses } from '#contracts';
import { JobQueue } from '#queue';
import { EnginesQuery } from '../jobs/engines.service.js';
import { JobQueries } from '../jobs/job-queries.service.js';
import { withinDeadline } from '../within-deadline.js';

/** Prometheus gives up after ten seconds; a part that is away must not cost it the rest. */
const COLLECT_DEADLINE_MS = 2_000;

/** What the gateway tells Prometheus. */
@Injectable()
export class GatewayMetrics {
  private readonly registry = new Registry();
  private readonly requests = new Histogram({
    name: 'polyscribe_http_request_duration_seconds',
    help: 'Time from the head of a request to the end of its answer; streams and uploads last as long as they last.',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.005, 0.02, 0.1, 0.5, 2, 10, 60],
    registers: [this.registry],
  });
  private readonly uploadedBytes = new Counter({
    name: 'polyscribe_uploaded_bytes_total',
    help: 'Media bytes of accepted jobs.',
    registers: [this.registry],
  });

  constructor(jobs: JobQueries, queue: JobQueue, engines: EnginesQuery) {
    collectDefaultMetrics({ register: this.registry });
    this.gauge('polyscribe_jobs', 'Jobs by status.', 'status', async () => {
      const stats = await jobs.stats();
      return jobStatuses.map((status) => [status, stats[status]]);
    });
    this.gauge('polyscribe_queue_depth', 'Entries that wait or are delayed.', undefined, async () => [
      ['', await queue.depth()],
    ]);
    this.gauge('polyscribe_engines_serving', 'Engine instances that serve.', 'engine', () =>
      Promise.resolve(Object.entries(engines.serving())),
    );
  }

  observeRequest(method: string, route: string, status: number, seconds: number): void {
    this.requests.observe({ method, route, status: String(status) }, seconds);
  }

  countUpload(bytes: number): void {
    this.uploadedBytes.inc(bytes);
  }

  get contentType(): string {
    return this.registry.contentType;
  }

  render(): Promise<string> {
    return this.registry.metrics();
  }

  private gauge(
    name: string,
    help: string,
    label: string | undefined,
    read: () => Promise<readonly (readonly [string, number])[]>,
  ): void {
    const gauge: Gauge = new Gauge({
      name,
      help,
      labelNames: label === undefined ? [] : [label],
      registers: [this.registry],
      async collect() {
        gauge.reset();
        // What cannot be read is left out: an old or made-up value would mislead.
        const values = await withinDeadline(read(), COLLECT_DEADLINE_MS, name).catch(() => []);
        for (const [value, number] of values) gauge.set(label === undefined ? {} : { [label]: value }, number);
      },
    });
  }
}
