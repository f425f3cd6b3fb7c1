import { Controller, HttpCode, Inject, Post, Req, Res } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Config } from '#config';
import type { EngineKind, Job } from '#contracts';
import { fileTooLarge } from '#media-intake';
import { KEY_HEADER, readKey, REPLAYED_HEADER } from '../submit/submission-key.js';
import type { SubmissionPart } from '../submit/submission-part.js';
import { SubmitJob } from '../submit/submit-job.service.js';
import { CONFIG } from '../tokens.js';
import { announcesTooMuch } from './fastify-adapter.js';
import { readFields, readForm } from './form-reader.js';
import { GatewayMetrics } from './metrics.service.js';
import { aborted } from './request-signal.js';

export interface AcceptedBody {
  job_id: string;
  transcript_id: string;
  engine: string;
  status: string;
  message: string;
}

/** How a submission is to be read. */
export interface Reading {
  /** The engine that the path names. */
  readonly engine?: EngineKind | undefined;
  /** Puts fields that others named into our names. */
  readonly translate?: (parts: AsyncIterable<SubmissionPart>) => AsyncIterable<SubmissionPart>;
}

@Controller('api/transcribe/jobs/transcribe')
export class SubmitController {
  constructor(
    private readonly submitJob: SubmitJob,
    private readonly metrics: GatewayMetrics,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  @Post()
  @HttpCode(202)
  @RouteConfig({ takesKey: true, takesBody: true })
  submit(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply): Promise<AcceptedBody> {
    return this.accept(request, reply);
  }

  @Post('asr')
  @HttpCode(202)
  @RouteConfig({ takesKey: true, takesBody: true })
  submitToAsr(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply): Promise<AcceptedBody> {
    return this.accept(request, reply, 'asr');
  }

  @Post('whisperx')
  @HttpCode(202)
  @RouteConfig({ takesKey: true, takesBody: true })
  submitToWhisperx(
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<AcceptedBody> {
    return this.accept(request, reply, 'whisperx');
  }

  private async accept(request: FastifyRequest, reply: FastifyReply, engine?: EngineKind): Promise<AcceptedBody> {
    return acceptedBody(await this.take(request, reply, { engine }));
  }

  /** The job that the request asks for. */
  async take(request: FastifyRequest, reply: FastifyReply, { engine, translate }: Reading): Promise<Job> {
    const { maxFileBytes } = this.config.limits;
    if (announcesTooMuch(request.raw, maxFileBytes)) throw fileTooLarge(maxFileBytes);
    const given = request.isMultipart() ? readForm(request) : readFields(request.body);
    const parts = translate ? translate(given) : given;
    const key = readKey(request.headers[KEY_HEADER]);
    const { job, replayed } = await this.submitJob.submit({ parts, pathEngine: engine, key }, aborted(reply));
    if (replayed) void reply.header(REPLAYED_HEADER, 'true');
    else if (job.media) this.metrics.countUpload(job.media.bytes);
    return job;
  }
}

export function acceptedBody(job: Job): AcceptedBody {
  const reusedAtOnce = job.reusedFrom !== undefined && job.startedAt === undefined;
  return {
    job_id: job.id,
    transcript_id: job.transcriptId,
    engine: job.options.engine,
    // Also where the answer comes again: it is that of the submission, whatever has become of the job since.
    ...(reusedAtOnce
      ? { status: 'completed', message: 'The job has the transcript of an earlier one.' }
      : { status: 'queued', message: 'The job is queued.' }),
  };
}
