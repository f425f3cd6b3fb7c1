import { type BeforeApplicationShutdown, Injectable } from '@nestjs/common';
import { endsStream, PolyscribeError } from '#contracts';
import { PulledFeed } from '#events';
import type { GrpcCallContext } from '#grpc';
import type { jobV1 } from '#protos';
import { CancelJob } from '../jobs/cancel-job.service.js';
import { jobFilterSchema, JobQueries, parseQuery } from '../jobs/job-queries.service.js';
import { TranscriptQueries } from '../jobs/transcript-queries.service.js';
import type { WatchedEvent } from '../jobs/job-news.js';
import { WatchJob } from '../jobs/watch-job.service.js';
import { KEY_HEADER, readKey, REPLAYED_HEADER } from '../submit/submission-key.js';
import { SubmitJob } from '../submit/submit-job.service.js';
import { eventToWire, jobToWire, statusOf, transcriptToWire } from './job.mapper.js';
import { partsOfCall } from './submission.mapper.js';

/** The job API over gRPC: the same use cases as the REST routes. */
@Injectable()
export class JobGrpcService implements jobV1.JobServiceImplementation, BeforeApplicationShutdown {
  private readonly stopping = new AbortController();

  constructor(
    private readonly submitJob: SubmitJob,
    private readonly queries: JobQueries,
    private readonly cancelJob: CancelJob,
    private readonly transcripts: TranscriptQueries,
    private readonly watchJob: WatchJob,
  ) {}

  async submit(
    requests: AsyncIterable<jobV1.SubmitRequest>,
    { signal, metadata, header }: Pick<GrpcCallContext, 'signal' | 'metadata' | 'header'>,
  ): Promise<jobV1.SubmitResponse> {
    const key = readKey(metadata.get(KEY_HEADER));
    const { job, replayed } = await this.submitJob.submit({ parts: partsOfCall(requests), key }, signal);
    if (replayed) header.set(REPLAYED_HEADER, 'true');
    return { job: jobToWire(job) };
  }

  async get({ jobId }: jobV1.GetRequest): Promise<jobV1.GetResponse> {
    return { job: jobToWire(await this.queries.get(jobId)) };
  }

  async list(request: jobV1.ListRequest): Promise<jobV1.ListResponse> {
    const { jobs, nextCursor } = await this.queries.list(
      parseQuery(jobFilterSchema, {
        status: statusOf(request.state),
        engine: request.engine || undefined,
        session_id: request.sessionId || undefined,
        limit: request.pageSize || undefined,
        cursor: request.pageToken || undefined,
      }),
    );
    return { jobs: jobs.map(jobToWire), nextPageToken: nextCursor ?? '' };
  }

  async cancel({ jobId }: jobV1.CancelRequest): Promise<jobV1.CancelResponse> {
    return { job: jobToWire(await this.cancelJob.cancel(jobId)) };
  }

  async *watch(
    { jobId, afterSequence }: jobV1.WatchRequest,
    { signal }: Pick<GrpcCallContext, 'signal'>,
  ): AsyncGenerator<jobV1.WatchResponse> {
    const opened = await this.watchJob.open(jobId, afterSequence);
    if (!opened) return;
    const news = new PulledFeed<WatchedEvent>((follower) => opened.follow(follower));
    const close = (): void => {
      news.close();
    };
    const ends = [signal, this.stopping.signal];
    for (const end of ends) end.addEventListener('abort', close, { once: true });
    try {
      if (ends.some((end) => end.aborted)) close();
      for await (const event of news) {
        yield { event: eventToWire(event) };
        if (endsStream(event.body.type)) return;
      }
    } finally {
      for (const end of ends) end.removeEventListener('abort', close);
      news.close();
    }
    if (this.stopping.signal.aborted) throw goingAway();
  }

  /** Watches have no end of their own while jobs run; they must not hold up a stop. */
  beforeApplicationShutdown(): void {
    this.stopping.abort();
  }

  async getTranscript({ jobId }: jobV1.GetTranscriptRequest): Promise<jobV1.GetTranscriptResponse> {
    const { job, transcript } = await this.transcripts.byJob(jobId);
    return { transcript: transcriptToWire(job, transcript) };
  }
}

/** A client comes back with the last sequence that it has, to another gateway or to this one when it is up again. */
function goingAway(): PolyscribeError {
  return new PolyscribeError('dependency_unavailable', 'The gateway is stopping; watch again from the last event.');
}
