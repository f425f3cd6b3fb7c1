import { Controller, Delete, Get, HttpCode, Param, Post, Query, Req, Res, UseInterceptors } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { resultBody } from '#formats';
import { type JobView, jobView } from '#job-status';
import { EnginesQuery, type EnginesView } from '../engines/engines.service.js';
import { CancelJob } from '../jobs/cancel-job.service.js';
import { jobFilterSchema, JobQueries, parseQuery } from '../jobs/job-queries.service.js';
import { RetryJob } from '../jobs/retry-job.service.js';
import { TranscriptQueries } from '../jobs/transcript-queries.service.js';
import { RoutePreview } from '../routing/route-preview.service.js';
import type { RouteView } from '../routing/route-view.js';
import { finished } from './conditional.js';
import { DeadlineInterceptor } from './deadline.interceptor.js';
import { type AcceptedBody, acceptedBody } from './submit.controller.js';

@Controller('api/transcribe/jobs')
export class JobsController {
  constructor(
    private readonly queries: JobQueries,
    private readonly cancelJob: CancelJob,
    private readonly retryJob: RetryJob,
    private readonly transcripts: TranscriptQueries,
    private readonly engines: EnginesQuery,
    private readonly routes: RoutePreview,
  ) {}

  @Get()
  @RouteConfig({ takesQuery: true })
  @UseInterceptors(DeadlineInterceptor)
  async list(@Query() query: unknown): Promise<{ jobs: JobView[]; next_cursor?: string }> {
    const { jobs, nextCursor } = await this.queries.list(parseQuery(jobFilterSchema, query));
    return {
      jobs: jobs.map((job) => jobView(job)),
      ...(nextCursor === undefined ? {} : { next_cursor: nextCursor }),
    };
  }

  @Get('stats')
  @UseInterceptors(DeadlineInterceptor)
  stats(): Promise<Record<string, number>> {
    return this.queries.stats();
  }

  @Get('engines')
  listEngines(): EnginesView {
    return this.engines.view();
  }

  /** How a submission with these options would be routed now. */
  @Get('route')
  @RouteConfig({ takesQuery: true })
  @UseInterceptors(DeadlineInterceptor)
  route(@Query() query: Record<string, unknown>): Promise<RouteView> {
    return this.routes.view(query);
  }

  @Get('status/:jobId')
  @UseInterceptors(DeadlineInterceptor)
  status(@Param('jobId') jobId: string): Promise<JobView> {
    return this.queries.status(jobId);
  }

  @Get('result/:jobId')
  @UseInterceptors(DeadlineInterceptor)
  async result(
    @Param('jobId') jobId: string,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Buffer | undefined> {
    const body = resultBody(await this.transcripts.document(jobId));
    reply.type('application/json; charset=utf-8');
    return finished(request, reply, Buffer.from(JSON.stringify(body)));
  }

  /** 200 when it is cancelled, 202 when its worker has been asked to stop. */
  @Delete(':jobId')
  async cancel(
    @Param('jobId') jobId: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<{ job_id: string; status: string; message: string }> {
    const job = await this.cancelJob.cancel(jobId);
    const done = job.status === 'cancelled';
    reply.code(done ? 200 : 202);
    const message = done ? 'The job is cancelled.' : 'The worker has been asked to stop.';
    return { job_id: job.id, status: job.status, message };
  }

  @Post(':jobId/retry')
  @HttpCode(202)
  async retry(@Param('jobId') jobId: string): Promise<AcceptedBody> {
    return acceptedBody(await this.retryJob.retry(jobId));
  }
}
