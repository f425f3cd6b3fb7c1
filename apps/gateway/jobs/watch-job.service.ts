import { Injectable } from '@nestjs/common';
import {
  endsStream,
  hasEnded,
  type Job,
  type JobEvent,
  type JobEventBody,
  type JobEventType,
  type JobStatus,
  PolyscribeError,
} from '#contracts';
import { EventBus, type EventSubscription } from '#events';
import { toSeconds } from '#formats';
import { TranscriptRepository } from '#persistence';
import { JobQueries } from './job-queries.service.js';

/** Where a client goes on: after a sequence of the log, or after the end that was made from the database. */
export type Position = number | 'end';

export interface WatchedEvent {
  readonly position: Position;
  readonly body: JobEventBody;
}

/** What a watcher gets: past events first, then new ones; ends after the last. */
export interface JobNews extends AsyncIterable<WatchedEvent> {
  /** Ends the iteration from outside and frees what it holds. */
  close(): void;
}

/** @throws PolyscribeError `invalid_request` */
export function parsePosition(text: string | undefined): Position {
  if (text === undefined || text === '') return 0;
  if (text === 'end') return 'end';
  if (/^\d{1,15}$/.test(text)) return Number(text);
  const detail = 'must be the id of an event that this stream sent';
  throw new PolyscribeError('invalid_request', `Last-Event-ID ${detail}.`, {
    fields: [{ pointer: '/last_event_id', detail }],
  });
}

const HISTORY_PAGE = 200;
/** How often it is looked whether a job that is followed is still there. */
const STILL_THERE_EVERY_MS = 10_000;

/** Where a job stands after its end. */
const statusAfter: Readonly<Partial<Record<JobEventType, JobStatus>>> = {
  completed: 'completed',
  error: 'failed',
  cancelled: 'cancelled',
};

/** Follows one job from any point of its history. */
@Injectable()
export class WatchJob {
  constructor(
    private readonly queries: JobQueries,
    private readonly transcripts: TranscriptRepository,
    private readonly events: EventBus,
  ) {}

  /**
   * @param after the last event that the client has; 0 for none
   * @returns undefined when the job has ended and the client has read all of it
   * @throws PolyscribeError `job_not_found`
   */
  async open(jobId: string, after: Position): Promise<JobNews | undefined> {
    const job = await this.queries.get(jobId);
    if (after === 'end' && hasEnded(job.status)) return undefined;
    const seq = after === 'end' ? 0 : after;
    const [last] = seq === 0 ? [] : await this.events.history(job.id, seq - 1, 1);
    // Whatever a worker's late breath put behind the end is nothing that a client waits for.
    if (last?.seq === seq && endsStream(last.type) && (await this.isLastEnd(job.id, last))) return undefined;
    const [next] = await this.events.history(job.id, seq, 1);
    if (last ?? next) return this.follow(job, seq);

    // The client is ahead of the log, which has expired, and may have begun anew with a retry.
    const [first] = await this.events.history(job.id, 0, 1);
    if (first || !hasEnded(job.status)) return this.follow(job, 0);
    return onlyEvent({ position: 'end', body: await this.endOf(job) });
  }

  private follow(job: Job, afterSeq: number): JobNews {
    const subscription = this.events.subscribe(job.id, afterSeq);
    // The log of an erased job is gone with it, and says nothing more.
    const look = setInterval(() => void this.closeIfGone(job.id, subscription), STILL_THERE_EVERY_MS);
    const close = (): void => {
      clearInterval(look);
      subscription.close();
    };
    return { [Symbol.asyncIterator]: () => this.relay(job.id, subscription, close), close };
  }

  private async closeIfGone(jobId: string, subscription: EventSubscription): Promise<void> {
    try {
      if (!(await this.find(jobId))) subscription.close();
    } catch {
      // The database is away: the next look will tell.
    }
  }

  /** undefined when the job was erased meanwhile. */
  private async find(jobId: string): Promise<Job | undefined> {
    try {
      return await this.queries.get(jobId);
    } catch (error) {
      if (error instanceof PolyscribeError && error.code === 'job_not_found') return undefined;
      throw error;
    }
  }

  private async *relay(
    jobId: string,
    subscription: EventSubscription,
    close: () => void,
  ): AsyncGenerator<WatchedEvent> {
    try {
      yield* this.untilEnd(jobId, subscription);
    } finally {
      close();
    }
  }

  private async *untilEnd(jobId: string, subscription: EventSubscription): AsyncGenerator<WatchedEvent> {
    for await (const event of subscription) {
      const { seq, ...body } = event;
      const ends = endsStream(body.type);
      // The end of an attempt that was retried is no end: who reads it would go away and miss the rest.
      if (ends && !(await this.isLastEnd(jobId, event))) continue;
      yield { position: seq, body };
      if (ends) return;
    }
  }

  /**
   * Whether the job ended with this event. Later events alone do not mean that it was retried, since a worker may speak
   * once more behind the end; a later end does, and so does a status that another kind of end leads to.
   */
  private async isLastEnd(jobId: string, end: JobEvent): Promise<boolean> {
    const job = await this.find(jobId);
    if (!job) return true;
    const { status } = job;
    if (!hasEnded(status) || statusAfter[end.type] !== status) return false;
    let after = end.seq;
    for (;;) {
      const later = await this.events.history(jobId, after, HISTORY_PAGE);
      if (later.some(({ type }) => endsStream(type))) return false;
      const last = later.at(-1);
      if (!last || later.length < HISTORY_PAGE) return true;
      after = last.seq;
    }
  }

  /** The last event of a job whose log has expired, made from what the database knows. */
  private async endOf(job: Job): Promise<JobEventBody> {
    if (job.failure) {
      return { type: 'error', data: { job_id: job.id, code: job.failure.code, detail: job.failure.message } };
    }
    const transcript = job.status === 'completed' ? await this.transcripts.summary(job.id) : undefined;
    if (!transcript) return { type: 'cancelled', data: { job_id: job.id } };
    return {
      type: 'completed',
      data: {
        job_id: job.id,
        transcript_id: transcript.id,
        language: transcript.language,
        duration: toSeconds(transcript.durationMs),
        engine_used: transcript.engineUsed,
      },
    };
  }
}

function onlyEvent(event: WatchedEvent): JobNews {
  return {
    async *[Symbol.asyncIterator]() {
      yield await Promise.resolve(event);
    },
    close: () => undefined,
  };
}
