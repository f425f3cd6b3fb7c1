import { Controller, Delete, Get, Param, Query, Req, Res, UseInterceptors } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { parseQuery } from '../jobs/job-queries.service.js';
import { EraseTranscript } from '../jobs/erase-transcript.service.js';
import { TranscriptQueries } from '../jobs/transcript-queries.service.js';
import { attachmentNamed } from '#objects';
import { finished } from './conditional.js';
import { DeadlineInterceptor } from './deadline.interceptor.js';
import { downloadQuery, readingStyle } from './download-query.js';

@Controller('api/transcripts')
export class TranscriptsController {
  constructor(
    private readonly transcripts: TranscriptQueries,
    private readonly eraseTranscript: EraseTranscript,
  ) {}

  @Get(':transcriptId/download')
  @RouteConfig({ takesQuery: true })
  @UseInterceptors(DeadlineInterceptor)
  async download(
    @Param('transcriptId') transcriptId: string,
    @Query() query: unknown,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Buffer | undefined> {
    const wanted = parseQuery(downloadQuery, query);
    const file = await this.transcripts.render(transcriptId, wanted.format, readingStyle(wanted), wanted.engine);
    reply.type(file.mediaType).header('content-disposition', attachmentNamed(file.filename));
    return finished(request, reply, Buffer.from(file.text));
  }

  /** 204 when nothing is left, 202 when something that is away at the moment is to be cleared later. */
  @Delete(':transcriptId')
  async erase(@Param('transcriptId') transcriptId: string, @Res() reply: FastifyReply): Promise<void> {
    const done = await this.eraseTranscript.erase(transcriptId);
    await reply.code(done ? 204 : 202).send();
  }
}
