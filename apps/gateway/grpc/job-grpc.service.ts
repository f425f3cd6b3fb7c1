import { Injectable } from '@nestjs/common';
import type { GrpcCallContext } from '#grpc';
import type { jobV1 } from '#protos';
import { JobCommands } from '../jobs/job-commands.service.js';
import { jobFilterSchema, JobQueries, parseQuery } from '../jobs/job-queries.service.js';
import { TranscriptQueries } from '../jobs/transcript-queries.service.js';
import { WatchJob } from '../jobs/watch-job.service.js';
import { SubmitJob } from '../submit/submit-job.service.js';
import { eventToWire, jobToWire, statusOf, transcriptToWire } from './job.mapper.js';
import { partsOfCall } from './submission.mapper.js';

/** The job API over gRPC: the same use cases as the REST routes. */
@Injectable()
export class JobGrpcService implements jobV1.JobServiceImplementation {
  constructor(
    private readonly submitJob: SubmitJob,
    private readonly queries: JobQueries,
    private readonly commands: JobCommands,
    private readonly transcripts: TranscriptQueries,
    private readonly watchJob: WatchJob,
  ) {}

  async submit(
    requests: AsyncIterable<jobV1.SubmitRequest>,
    { signal }: Pick<GrpcCallContext, 'signal'>,
  ): Promise<jobV1.SubmitResponse> {
    return { job: jobToWire(await this.submitJob.submit(partsOfCall(requests), undefined, signal)) };
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
    return { job: jobToWire(await this.commands.cancel(jobId)) };
  }

  async *watch(
    { jobId, afterSequence }: jobV1.WatchRequest,
    { signal }: Pick<GrpcCallContext, 'signal'>,
  ): AsyncGenerator<jobV1.WatchResponse> {
    const news = await this.watchJob.open(jobId, afterSequence);
    if (!news) return;
    const close = (): void => {
      news.close();
    };
    signal.addEventListener('abort', close, { once: true });
    try {
      if (signal.aborted) return;
      for await (const event of news) yield { event: eventToWire(event) };
    } finally {
      signal.removeEventListener('abort', close);
      news.close();
    }
  }

  async getTranscript({ jobId }: jobV1.GetTranscriptRequest): Promise<jobV1.GetTranscriptResponse> {
    const { job, transcript } = await this.transcripts.byJob(jobId);
    return { transcript: transcriptToWire(job, transcript) };
  }
}
