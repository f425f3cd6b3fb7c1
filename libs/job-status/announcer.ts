import { type Job, type JobEventBody, PolyscribeError } from '#contracts';
import type { EventBus, EventDraft } from '#events';
import {
  completedNote,
  type ReconcileRepository,
  type TranscriptRepository,
  type TranscriptSummary,
  type UnannouncedJob,
} from '#persistence';
import type { ResultFiles } from '#result-files';
import type { JobStatuses } from './job-statuses.js';

/** What is told of the transcript. */
export type ToldTranscript = Pick<TranscriptSummary, 'language' | 'durationMs' | 'engineUsed'>;

/** An end that has been written together with its events. */
export interface WrittenEnd {
  /** The job as it is now; not needed where `Announcer.wantsJob` is false. */
  readonly job?: Job | undefined;
  readonly segments: number;
  readonly durationMs: number;
  /** What the draft's expression gave. */
  readonly lastSeq: string | null;
}

/** What whoever ended a job knows of it, which then need not be asked for. */
export interface KnownEnd {
  /** Progress that nobody has been told of yet, for the same breath. */
  readonly before?: readonly JobEventBody[];
  readonly transcript?: ToldTranscript;
  /** How many the transcript has. */
  readonly segments?: number;
}

/**
 * Tells subscribers how a job ended, once the end stands in the database. Safe to repeat: the key lets one announcement
 * of each run through, so that a crash between the two is mended by announcing again.
 */
export class Announcer {
  constructor(
    private readonly transcripts: Pick<TranscriptRepository, 'summary'>,
    private readonly ends: Pick<ReconcileRepository, 'unannounced' | 'unannouncedEnd' | 'markAnnounced'>,
    private readonly statuses: Pick<JobStatuses, 'keeps' | 'put'>,
    private readonly events: Pick<EventBus, 'publish' | 'draft'>,
    private readonly files: Pick<ResultFiles, 'write'>,
  ) {}

  /** Whether `tellWritten` is to be given the job. */
  get wantsJob(): boolean {
    return this.statuses.keeps;
  }

  /**
   * The events of a good end, for the statement that writes it: then nothing is left to be mended after a crash.
   *
   * @param before progress that nobody has been told of yet
   * @returns undefined where the end is to be announced once it is written
   * @throws PolyscribeError `dependency_unavailable`
   */
  async draft(
    { job, attempt }: UnannouncedJob,
    before: readonly JobEventBody[],
    transcript: ToldTranscript,
  ): Promise<EventDraft | undefined> {
    if (job.options.resultFile !== undefined) return undefined;
    const events = [...before, statusEvent({ ...job, ...completedNote }), completedEvent(job, transcript)];
    return this.events.draft(job.id, events, { key: keyOf(attempt) });
  }

  /** Tells of an end that was written together with its events. */
  async tellWritten(draft: EventDraft, { job, segments, durationMs, lastSeq }: WrittenEnd): Promise<void> {
    if (job) await this.statuses.put(job, { segments, durationMs });
    await draft.tell(lastSeq);
  }

  /** Announces the end of the job's last run; does nothing when it has not ended or everybody knows. */
  async announce(jobId: string, known: KnownEnd = {}): Promise<void> {
    const end = await this.ends.unannouncedEnd(jobId);
    if (!end) return;
    await this.file(end);
    await this.tell(end, known);
  }

  /**
   * Announces every end that a crash left unannounced, up to `limit`, and gives their number. One that cannot be told does
   * not keep those behind it from being told; an outage, which would meet them all, ends the round. An outage of the object
   * store meets those that leave a file.
   *
   * @throws what the first failure threw, once the others are told
   */
  async announceAll(limit: number): Promise<number> {
    const ends = await this.ends.unannounced(limit);
    const failures: unknown[] = [];
    let canFile = true;
    for (const end of ends) {
      if (!canFile && leavesFile(end)) continue;
      let filed = false;
      try {
        await this.file(end);
        filed = true;
        await this.tell(end);
      } catch (error) {
        if (isOutage(error) && (filed || !leavesFile(end))) throw error;
        if (isOutage(error)) canFile = false;
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
    return ends.length;
  }

  /** Sees to it that whoever hears of the end finds the file. */
  private async file(end: UnannouncedJob): Promise<void> {
    if (leavesFile(end)) await this.files.write(end.job);
  }

  private async tell({ job, attempt }: UnannouncedJob, known: KnownEnd = {}): Promise<void> {
    const { before = [], transcript, segments } = known;
    const counts = transcript && segments !== undefined ? { segments, durationMs: transcript.durationMs } : undefined;
    // Whoever asks once the event is out is to find the end.
    await this.statuses.put(job, counts);
    const end = await this.endEvent(job, transcript);
    await this.events.publish(job.id, [...before, statusEvent(job), end], { key: keyOf(attempt) });
    await this.ends.markAnnounced(job.id, attempt);
  }

  private async endEvent(job: Job, known: KnownEnd['transcript']): Promise<JobEventBody> {
    if (job.status === 'cancelled') return { type: 'cancelled', data: { job_id: job.id } };
    if (job.status === 'failed') {
      const code = job.failure?.code ?? 'internal';
      return { type: 'error', data: { job_id: job.id, code, detail: job.failure?.message ?? 'The job failed.' } };
    }
    const transcript = known ?? (await this.transcripts.summary(job.id));
    if (!transcript) throw new PolyscribeError('internal', 'A completed job has no transcript.');
    return completedEvent(job, transcript);
  }
}

function completedEvent(job: Job, { language, durationMs, engineUsed }: ToldTranscript): JobEventBody {
  return {
    type: 'completed',
    data: {
      job_id: job.id,
      transcript_id: job.transcriptId,
      language,
      duration: durationMs / 1000,
      engine_used: engineUsed,
    },
  };
}

/** One announcement of each run gets through. */
function keyOf(attempt: number): string {
  return `end:${attempt}`;
}

function leavesFile({ job }: UnannouncedJob): boolean {
  return job.status === 'completed' && job.options.resultFile !== undefined;
}

function isOutage(error: unknown): boolean {
  return error instanceof PolyscribeError && error.code === 'dependency_unavailable';
}

function statusEvent({ id, status, progress, stage, message }: Job): JobEventBody {
  return { type: 'status', data: { job_id: id, status, progress: Math.floor(progress), stage, message } };
}
