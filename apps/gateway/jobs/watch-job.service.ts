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
import { EventBus } from '#events';
import { toSeconds } from '#formats';
import { TranscriptRepository } from '#persistence';
import { FollowedJobs } from './followed-jobs.js';
import { JobFeed } from './job-feed.js';
import type { JobNews, Position, WatchedEvent } from './job-news.js';
import { JobQueries } from './job-queries.service.js';

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

/** Where a job stands after its end. */
const statusAfter: Readonly<Partial<Record<JobEventType, JobStatus>>> = {
  completed: 'completed',
  error: 'failed',
  cancelled: 'cancelled',
};

/** Follows one job from any point of its history. */
@Injectable()
export class WatchJob {
  /** The log of an erased job is gone with it, and says nothing more. */
  private readonly followed = new FollowedJobs(async (jobId) => (await this.find(jobId)) !== undefined);

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
    if (last ?? next) return this.newsOf(job.id, seq);

    // The client is ahead of the log, which has expired, and may have begun anew with a retry.
    const [first] = await this.events.history(job.id, 0, 1);
    if (first || !hasEnded(job.status)) return this.newsOf(job.id, 0);
    return onlyEvent({ position: 'end', body: await this.endOf(job) });
  }

  private newsOf(jobId: string, afterSeq: number): JobNews {
    return {
      follow: (follower) => {
        const feed = new JobFeed(follower, {
          isLastEnd: (event) => this.isLastEnd(jobId, event),
          onEnd: () => this.followed.remove(jobId, feed),
        });
        this.followed.add(jobId, feed);
        feed.start((events) => this.events.follow(jobId, afterSeq, events));
        return feed;
      },
    };
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
    follow(follower) {
      follower.take(event);
      follower.end();
      return { resume: () => undefined, close: () => undefined };
    },
  };
}
