import { Injectable } from '@nestjs/common';
import { endsStream, hasEnded, type Job, type JobEventBody, PolyscribeError } from '#contracts';
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
    const [next] = await this.events.history(job.id, seq, 1);
    if (next) return this.follow(job, seq);

    const [last] = seq === 0 ? [] : await this.events.history(job.id, seq - 1, 1);
    if (last) return hasEnded(job.status) && endsStream(last.type) ? undefined : this.follow(job, seq);

    // The client is ahead of the log, which has expired, and may have begun anew with a retry.
    const [first] = await this.events.history(job.id, 0, 1);
    if (first || !hasEnded(job.status)) return this.follow(job, 0);
    return onlyEvent({ position: 'end', body: await this.endOf(job) });
  }

  private follow(job: Job, afterSeq: number): JobNews {
    const subscription = this.events.subscribe(job.id, afterSeq);
    return {
      [Symbol.asyncIterator]: () => this.relay(job.id, subscription),
      close: () => {
        subscription.close();
      },
    };
  }

  private async *relay(jobId: string, subscription: EventSubscription): AsyncGenerator<WatchedEvent> {
    for await (const { seq, ...body } of subscription) {
      const ends = endsStream(body.type);
      // The end of an attempt that was retried is no end: who reads it would go away and miss the rest.
      if (ends && (await this.wasRetriedAfter(jobId, seq))) continue;
      yield { position: seq, body };
      if (ends) return;
    }
  }

  private async wasRetriedAfter(jobId: string, seq: number): Promise<boolean> {
    const later = await this.events.history(jobId, seq, 1);
    return later.length > 0 || !hasEnded((await this.queries.get(jobId)).status);
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
