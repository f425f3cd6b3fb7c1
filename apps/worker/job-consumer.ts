import { type JobEventBody, type MediaObject, PolyscribeError } from '#contracts';
import type { EventBus } from '#events';
import type { Announcer, JobStatuses } from '#job-status';
import type { ObjectStore } from '#objects';
import { type Claim, type GiveBack, type JobLeaseRepository, LeaseLostError, type WaitedMs } from '#persistence';
import type { Logger } from '#telemetry';
import { attemptOf, type ClaimedAttempt, type Rest } from './claimed-job.js';
import { verdictOn } from './failure-verdict.js';
import { FinalFailure, HandedOn } from './hand-on.js';
import { Interruption, interruptionOf } from './interruption.js';
import type { PickedJob } from './job-picker.js';
import type { JobRunner } from './job-runner.js';
import { LeaseKeeper } from './lease-keeper.js';
import { settledWithin } from './settle.js';
import { type FinishedTranscript, withSpeakerRoles } from './speaker-roles.js';
import type { Outcome, WorkerMetrics } from './worker-metrics.js';
import type { WorkerSettings } from './worker-settings.js';

/** What becomes of the ticket: undefined when the job needs none. */
export interface Requeue {
  readonly afterMs: number;
}

/** Of a job that waited in line, where nobody counts for what. */
const waitedLongEnough: WaitedMs = { busy: Infinity, outage: Infinity };

/** How a job goes to another worker when this one stops. */
const AT_ONCE: GiveBack = { afterMs: 0, countAttempt: false };

export interface JobConsumerParts {
  readonly workerId: string;
  readonly leases: JobLeaseRepository;
  readonly runner: Pick<JobRunner, 'run'>;
  readonly announcer: Announcer;
  readonly events: Pick<EventBus, 'publish'>;
  readonly statuses: JobStatuses;
  readonly objects: ObjectStore;
  readonly metrics: WorkerMetrics;
  readonly settings: WorkerSettings;
  readonly logger: Logger;
}

/**
 * Takes one job from its claim to its end: keeps the lease, bounds the time, writes how it ended and announces that.
 *
 * Everything that is told is written before: a crash at any step leaves a row from which another worker goes on, or an end
 * that the reconciler announces.
 */
export class JobConsumer {
  constructor(private readonly parts: JobConsumerParts) {}

  /**
   * @param stop aborted when the worker stops and the job's time of grace is over
   * @returns what to do about the ticket
   * @throws PolyscribeError `dependency_unavailable` when not even the end could be written
   */
  async handle(picked: PickedJob, stop: AbortSignal): Promise<Requeue | undefined> {
    const { leases, settings, metrics } = this.parts;
    const { claim } = picked;
    const keeper = new LeaseKeeper(leases, claim.lease, settings);
    const onStop = () => keeper.interrupt(new Interruption('stop'));
    const timer = setTimeout(() => keeper.interrupt(new Interruption('timeout')), settings.jobTimeoutMs);
    stop.addEventListener('abort', onStop, { once: true });
    if (stop.aborted) onStop();
    metrics.jobTaken();
    try {
      return await this.work(picked, keeper);
    } finally {
      picked.started();
      metrics.jobLeft();
      clearTimeout(timer);
      stop.removeEventListener('abort', onStop);
      await keeper.stop();
    }
  }

  /** Takes the job with that id and does it; tells how it ended where it is not to be had. */
  async handleJob(jobId: string, stop: AbortSignal): Promise<Requeue | undefined> {
    const { leases, workerId, settings, announcer } = this.parts;
    const claim = await leases.claim(jobId, workerId, settings.leaseMs);
    if (claim) return this.handle({ claim, started: () => undefined }, stop);
    // The claim itself ends a job that was cancelled or has used up its attempts.
    await announcer.announce(jobId);
    return undefined;
  }

  private async work(picked: PickedJob, keeper: LeaseKeeper): Promise<Requeue | undefined> {
    const { runner, leases, events, statuses, settings } = this.parts;
    const { claim } = picked;
    const started = performance.now();
    const attempt = attemptOf(claim, keeper, leases, events, statuses, () => picked.started());
    let engine: string | undefined;
    let outcome: Outcome;
    let requeue: Requeue | undefined;
    let error: unknown;
    let tell = (): Promise<void> => this.parts.announcer.announce(claim.job.id);
    try {
      try {
        const trouble = picked.hopeless ?? picked.setback;
        if (trouble) throw trouble;
        const summary = await settledWithin(runner.run(attempt, keeper.signal), keeper.signal, settings.settleMs);
        const rest = await attempt.rest(settings.settleMs);
        tell = await this.complete(
          claim,
          attempt,
          rest,
          await withSpeakerRoles(summary, claim.job, claim.lease, leases),
        );
        engine = summary.engineUsed;
        outcome = 'completed';
      } catch (thrown) {
        error = thrown;
        // An event of the work that came behind its end would keep readers waiting for another end.
        await attempt.silence(settings.settleMs);
        ({ outcome, requeue } = await this.end(picked, keeper, attempt, thrown));
      }
    } catch (thrown) {
      if (!(thrown instanceof LeaseLostError)) throw thrown;
      outcome = 'lost';
    }
    const seconds = Math.round((performance.now() - started) / 10) / 100;
    this.parts.metrics.jobEnded(outcome, seconds);
    this.log(claim, { outcome, engine, seconds, error });
    if (outcome === 'completed' || outcome === 'failed' || outcome === 'cancelled') await tell();
    return requeue;
  }

  /**
   * Writes a good end: with what is left of the work and the events that tell of it in one commit where that can be, and one
   * after the other otherwise.
   *
   * @returns what tells of it
   */
  private async complete(
    claim: Claim,
    attempt: ClaimedAttempt,
    rest: Rest,
    transcript: FinishedTranscript,
  ): Promise<() => Promise<void>> {
    const { job, lease } = claim;
    const { leases, announcer } = this.parts;
    const facts = rest.facts ? { facts: rest.facts } : {};
    const result = { ...transcript, ...facts, stages: attempt.progress.takeStages() };
    try {
      const draft = await announcer.draft({ job, attempt: lease.attempt }, rest.events, transcript);
      const parts = draft && { span: rest.span, events: draft, isRowWanted: announcer.wantsJob };
      const written = parts && (await leases.completeWith(lease, result, parts));
      const { durationMs } = transcript;
      if (written) return () => announcer.tellWritten(draft, { durationMs, ...written });
    } catch (error) {
      // Spans that are done are kept, whatever becomes of the job.
      const failed = await this.keepRest(claim, rest).catch((late: unknown) => late);
      throw failed instanceof LeaseLostError ? failed : error;
    }
    const before = await this.writeRest(claim, rest);
    const segments = await leases.complete(lease, result);
    return () => announcer.announce(job.id, { before, transcript, segments });
  }

  /** For the next attempt, or whoever looks at what is left of the job. @throws LeaseLostError */
  private async keepRest(claim: Claim, rest: Rest): Promise<void> {
    await this.writeRest(claim, rest);
    if (rest.facts) await this.parts.leases.recordFacts(claim.lease, rest.facts);
  }

  /**
   * Tells and writes the last span by itself.
   *
   * @returns the events that are still to be told
   * @throws LeaseLostError
   */
  private async writeRest({ job, lease }: Claim, { events, span }: Rest): Promise<readonly JobEventBody[]> {
    const { leases, settings } = this.parts;
    // An end that got no answer may stand by now, and nothing is to be told behind it.
    if ((await leases.renew(lease, settings.leaseMs)) === 'lost') throw new LeaseLostError(lease);
    if (!span) return events;
    await this.parts.events.publish(job.id, events);
    await leases.commitSpan(lease, span.index, span);
    return [];
  }

  /** Writes the end of an attempt that did not complete. */
  private async end(
    { claim, hopeless, setback }: PickedJob,
    keeper: LeaseKeeper,
    attempt: ClaimedAttempt,
    thrown: unknown,
  ): Promise<{ outcome: Outcome; requeue?: Requeue }> {
    const { leases, settings } = this.parts;
    const interruption = interruptionOf(keeper.signal);
    if (thrown instanceof HandedOn) {
      await this.parts.statuses.refresh(claim.job.id);
      return { outcome: thrown.outcome };
    }
    if (thrown instanceof LeaseLostError || interruption?.kind === 'lost') return { outcome: 'lost' };
    if (interruption?.kind === 'cancel') {
      await leases.cancelled(claim.lease);
      return { outcome: 'cancelled' };
    }
    if (interruption?.kind === 'stop') return this.giveBack(claim, attempt, 'The worker is stopping', AT_ONCE);
    if (thrown instanceof FinalFailure) return this.fail(claim, thrown.error);
    const error = interruption ? tooLong(settings.jobTimeoutMs) : PolyscribeError.from(thrown);
    const { maxAttempts } = claim;
    const waitedMs = hopeless ? waitedLongEnough : setback ? { ...claim.waitedMs, busy: 0 } : claim.waitedMs;
    const verdict = verdictOn(error, { attempt: claim.job.attempts, maxAttempts, waitedMs }, settings);
    if (verdict.kind === 'again') return this.giveBack(claim, attempt, error.message, verdict);
    // A file that can never be decoded is of no use to anybody; in all other cases a retry needs it.
    return this.fail(claim, error, error.code === 'unsupported_media' ? attempt.media() : undefined);
  }

  private async fail(
    { lease }: Claim,
    { code, message, retryable }: PolyscribeError,
    uselessMedia?: MediaObject,
  ): Promise<{ outcome: Outcome }> {
    await this.parts.leases.fail(lease, { code, message, retryable, dropMedia: uselessMedia !== undefined });
    if (uselessMedia) await this.parts.objects.delete(uselessMedia.key);
    return { outcome: 'failed' };
  }

  private async giveBack(
    claim: Claim,
    attempt: ClaimedAttempt,
    message: string,
    how: GiveBack,
  ): Promise<{ outcome: Outcome; requeue?: Requeue }> {
    // Told before it is written: afterwards the next worker may already be telling that it runs.
    const progress = attempt.progress.percentNow;
    const data = { job_id: claim.job.id, status: 'queued' as const, progress, stage: 'queued', message };
    try {
      await this.parts.events.publish(claim.job.id, [{ type: 'status', data }]);
    } catch (error) {
      // Nobody is told that it waits, which the row says all the same; keeping the job would cost it an attempt.
      this.parts.logger.warn({ err: error, jobId: claim.job.id }, 'could not tell that a job waits again');
    }
    const became = await this.parts.leases.giveBack(claim.lease, how);
    await this.parts.statuses.refresh(claim.job.id);
    if (became === 'cancelled') return { outcome: 'cancelled' };
    return { outcome: 'given back', requeue: { afterMs: how.afterMs } };
  }

  private log(
    { job, lease }: Claim,
    end: { outcome: Outcome; engine: string | undefined; seconds: number; error: unknown },
  ): void {
    const { outcome, engine, seconds, error } = end;
    const fields = { jobId: job.id, run: lease.attempt, attempts: job.attempts, outcome, engine, seconds };
    const code = error instanceof PolyscribeError ? error.code : undefined;
    const isOurs = code === 'internal' || (code === undefined && outcome === 'failed');
    this.parts.logger[isOurs ? 'error' : 'info']({ ...fields, code, err: isOurs ? error : undefined }, 'job ended');
  }
}

/**
 * The code for a job that took longer than it may is the one that HTTP knows as 504. No engine is blamed by it: that is
 * done where a call fails. What is finished stays, so that a retry goes on from there.
 */
function tooLong(jobTimeoutMs: number): PolyscribeError {
  const seconds = Math.round(jobTimeoutMs / 1000);
  const message = `The job did not end within JOB_TIMEOUT (${seconds} s). Retry it: what is finished is kept.`;
  return new PolyscribeError('engine_timeout', message);
}
