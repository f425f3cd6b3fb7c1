import { Controller, Delete, Get, Param, Query, Res, UseInterceptors } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { speakerNames, transcriptFormats } from '#formats';
import { parseQuery } from '../jobs/job-queries.service.js';
import { EraseTranscript } from '../jobs/erase-transcript.service.js';
import { TranscriptQueries } from '../jobs/transcript-queries.service.js';
import { attachmentNamed } from '#objects';
import { DeadlineInterceptor } from './deadline.interceptor.js';

const downloadQuery = z.strictObject({
  speakers: z.enum(speakerNames, { error: `must be one of ${speakerNames.join(', ')}` }).default('tags'),
  format: z.enum(transcriptFormats, { error: `must be one of ${transcriptFormats.join(', ')}` }).default('txt'),
});

@Controller('api/transcripts')
export class TranscriptsController {
  constructor(
    private readonly transcripts: TranscriptQueries,
    private readonly eraseTranscript: EraseTranscript,
  ) {}

  @Get(':transcriptId/download')
  @UseInterceptors(DeadlineInterceptor)
  async download(
    @Param('transcriptId') transcriptId: string,
    @Query() query: unknown,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Buffer> {
    const { format, speakers } = parseQuery(downloadQuery, query);
    const { text, mediaType, filename } = await this.transcripts.render(transcriptId, format, speakers);
    reply.type(mediaType).header('content-disposition', attachmentNamed(filename));
    return Buffer.from(text);
  }

  /** 204 when nothing is left, 202 when something that is away at the moment is to be cleared later. */
  @Delete(':transcriptId')
  async erase(@Param('transcriptId') transcriptId: string, @Res() reply: FastifyReply): Promise<void> {
    const done = await this.eraseTranscript.erase(transcriptId);
    await reply.code(done ? 204 : 202).send();
  }
}
