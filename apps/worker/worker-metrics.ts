import type { EngineKind, ErrorCode, WebhookDeliveryState, WebhookEvent } from '#contracts';
import type { Metrics } from '#telemetry';
import type { SweptUploads } from '#uploads';
import type { Swept } from './media-sweeper.js';

/** How one claim of a job ended. `handed on`: others do it from here, as a remote worker that it was offered to. */
export type Outcome = 'completed' | 'failed' | 'cancelled' | 'given back' | 'handed on' | 'lost';

/** What a worker tells Prometheus. */
export class WorkerMetrics {
  private readonly jobs;
  private readonly running;
  private readonly spans;
  private readonly failovers;
  private readonly removed;
  private readonly uploads;
  private readonly fetches;
  private readonly webhooks;

  constructor(metrics: Metrics) {
    this.jobs = metrics.histogram(
      'polyscribe_worker_job_duration_seconds',
      'Attempts at jobs that have ended here. "lost" means that the lease was over before the end could be written.',
      ['outcome'],
      [1, 5, 20, 60, 300, 1_200, 3_600],
    );
    this.running = metrics.gauge('polyscribe_worker_jobs_running', 'Jobs that the worker has.');
    this.spans = metrics.counter(
      'polyscribe_spans_total',
      'Engine calls for spans, by outcome: done, or the code of the error.',
      ['engine', 'outcome'],
    );
    this.failovers = metrics.counter(
      'polyscribe_failovers_total',
      'Spans that another engine did than the one that was tried first.',
      ['from', 'to'],
    );
    this.removed = metrics.counter('polyscribe_media_removed_total', 'Media objects removed by age.', ['reason']);
    this.uploads = metrics.counter(
      'polyscribe_uploads_removed_total',
      'Resumable uploads removed by age, and objects of none.',
      ['reason'],
    );
    this.fetches = metrics.counter(
      'polyscribe_media_fetches_total',
      'Recordings fetched by their URL, by outcome: done, or the code of the error.',
      ['outcome'],
    );
    this.webhooks = metrics.counter(
      'polyscribe_webhook_tries_total',
      'Tries to deliver a webhook, by what became of the delivery: delivered, pending (it is tried again) or failed.',
      ['event', 'outcome'],
    );
  }

  /** The worker has taken a job. */
  jobTaken(): void {
    this.running.inc();
  }

  /** It has it no longer, whether or not an end could be written. */
  jobLeft(): void {
    this.running.dec();
  }

  jobEnded(outcome: Outcome, seconds: number): void {
    this.jobs.observe({ outcome }, seconds);
  }

  spanEnded(engine: EngineKind, outcome: 'done' | ErrorCode): void {
    this.spans.inc({ engine, outcome });
  }

  failedOver(from: EngineKind, to: EngineKind): void {
    this.failovers.inc({ from, to });
  }

  mediaFetched(outcome: 'done' | ErrorCode): void {
    this.fetches.inc({ outcome });
  }

  webhookTried(event: WebhookEvent, outcome: WebhookDeliveryState): void {
    this.webhooks.inc({ event, outcome });
  }

  uploadsRemoved({ uploads, orphans }: SweptUploads): void {
    this.uploads.inc({ reason: 'expired' }, uploads);
    this.uploads.inc({ reason: 'orphan' }, orphans);
  }

  mediaRemoved({ expired, orphans }: Swept): void {
    this.removed.inc({ reason: 'expired' }, expired);
    this.removed.inc({ reason: 'orphan' }, orphans);
  }
}
