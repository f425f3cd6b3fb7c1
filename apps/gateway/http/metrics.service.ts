import { Inject, Injectable } from '@nestjs/common';
import { jobStatuses } from '#contracts';
import { Metrics } from '#telemetry';
import { EnginesQuery } from '../engines/engines.service.js';
import { JobQueries } from '../jobs/job-queries.service.js';

/** What the gateway tells Prometheus; `/metrics` tells what else the process has to tell as well. */
@Injectable()
export class GatewayMetrics {
  private readonly requests;
  private readonly uploadedBytes;

  constructor(
    @Inject(Metrics) private readonly metrics: Metrics,
    jobs: JobQueries,
    engines: EnginesQuery,
  ) {
    this.requests = metrics.histogram(
      'polyscribe_http_request_duration_seconds',
      'Time from the head of a request to the end of its answer; streams and uploads last as long as they last.',
      ['method', 'route', 'status'],
      [0.005, 0.02, 0.1, 0.5, 2, 10, 60],
    );
    this.uploadedBytes = metrics.counter('polyscribe_uploaded_bytes_total', 'Media bytes of accepted jobs.');
    metrics.reading('polyscribe_jobs', 'Jobs by status.', ['status'], async () => {
      const stats = await jobs.stats();
      return jobStatuses.map((status) => ({ labels: { status }, value: stats[status] }));
    });
    metrics.reading('polyscribe_queue_depth', 'Jobs that wait to be taken.', [], async () => [
      { value: (await jobs.stats()).queued },
    ]);
    metrics.reading('polyscribe_engines_serving', 'Engine instances that serve.', ['engine'], () =>
      Object.entries(engines.serving()).map(([engine, value]) => ({ labels: { engine }, value })),
    );
  }

  observeRequest(method: string, route: string, status: number, seconds: number): void {
    this.requests.observe({ method, route, status: String(status) }, seconds);
  }

  countUpload(bytes: number): void {
    this.uploadedBytes.inc(bytes);
  }

  get contentType(): string {
    return this.metrics.contentType;
  }

  render(): Promise<string> {
    return this.metrics.render();
  }
}
