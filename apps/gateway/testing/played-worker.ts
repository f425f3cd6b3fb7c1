import type { JobEventBody, TranscriptSegment } from '#contracts';
import { JobLeaseRepository, ReconcileRepository } from '#persistence';
import type { GatewayUnderTest } from './gateway-under-test.js';

const LEASE_MS = 60_000;

/** Two speakers, five seconds. */
export const segments: readonly TranscriptSegment[] = [
  { id: '0-0', span: 0, startMs: 70, endMs: 2_000, text: 'How are you?', speakerTag: 0, confidence: 0.9 },
  { id: '0-1', span: 0, startMs: 2_500, endMs: 4_800, text: 'Much better.', speakerTag: 1 },
];

/** Does what a worker does to jobs, step by step. */
export class PlayedWorker {
  private readonly leases: JobLeaseRepository;
  private readonly reconciling: ReconcileRepository;

  constructor(private readonly server: GatewayUnderTest) {
    this.leases = new JobLeaseRepository(server.database);
    this.reconciling = new ReconcileRepository(server.database);
  }

  async claim(jobId: string) {
    const claim = await this.leases.claim(jobId, 'worker-1', LEASE_MS);
    if (!claim) throw new Error('The job cannot be claimed.');
    await this.leases.reportProgress(claim.lease, { progress: 40, stage: 'transcribing', message: 'Half way.' });
    await this.publishStatus(jobId);
    return claim.lease;
  }

  /** Takes the job from the queue to its end. */
  async complete(jobId: string): Promise<void> {
    const lease = await this.claim(jobId);
    await this.leases.planSpans(lease, [{ index: 0, startMs: 0, endMs: 5_000 }]);
    await this.leases.startSpan(lease, 0, { engine: 'local', instance: 'local-1' });
    const result = { engine: 'local', instance: 'local-1', model: 'base', language: 'en', warnings: [] } as const;
    await this.server.events.publish(jobId, segments.map(delta));
    await this.leases.commitSpan(lease, 0, { ...result, segments });
    await this.leases.complete(lease, {
      language: 'en',
      durationMs: 5_000,
      engineUsed: 'local',
      model: 'base',
      speakerRoles: { 0: 'provider', 1: 'patient' },
      warnings: [],
    });
    await this.announce(jobId, (transcriptId) => ({
      type: 'completed',
      data: { job_id: jobId, transcript_id: transcriptId, language: 'en', duration: 5, engine_used: 'local' },
    }));
  }

  async fail(jobId: string): Promise<void> {
    const lease = await this.claim(jobId);
    const attempt = {
      engine: 'local',
      instance: 'local-1',
      code: 'engine_bad_response',
      message: 'It broke.',
    } as const;
    await this.leases.recordFailedAttempt(lease, attempt);
    const failure = { code: 'engine_bad_response', message: 'Every engine failed.', retryable: true } as const;
    await this.leases.fail(lease, failure);
    await this.announce(jobId, () => ({
      type: 'error',
      data: { job_id: jobId, code: failure.code, detail: failure.message },
    }));
  }

  private async announce(jobId: string, body: (transcriptId: string) => JobEventBody): Promise<void> {
    const end = await this.reconciling.unannouncedEnd(jobId);
    if (!end) throw new Error('The job has not ended.');
    await this.server.events.publish(jobId, [body(end.job.transcriptId)], { key: `end:${end.attempt}` });
    await this.reconciling.markAnnounced(jobId, end.attempt);
  }

  private async publishStatus(jobId: string): Promise<void> {
    const job = await this.server.jobs.find(jobId);
    if (!job) throw new Error('There is no such job.');
    const { status, progress, stage, message } = job;
    await this.server.events.publish(jobId, [
      { type: 'status', data: { job_id: jobId, status, progress, stage, message } },
    ]);
  }
}

function delta(segment: TranscriptSegment): JobEventBody {
  const { id, span, text, startMs, endMs } = segment;
  return { type: 'delta', data: { segment_id: id, span, text, t0: startMs / 1000, t1: endMs / 1000 } };
}
