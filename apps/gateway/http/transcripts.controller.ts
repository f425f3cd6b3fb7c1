import { Controller, Get, Param, Query, Res, UseInterceptors } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { speakerNames, transcriptFormats } from '#formats';
import { parseQuery } from '../jobs/job-queries.service.js';
import { TranscriptQueries } from '../jobs/transcript-queries.service.js';
import { attachmentNamed } from '#objects';
import { DeadlineInterceptor } from './deadline.interceptor.js';

const downloadQuery = z.strictObject({
  speakers: z.enum(speakerNames, { error: `must be one of ${speakerNames.join(', ')}` }).default('tags'),
  format: z.enum(transcriptFormats, { error: `must be one of ${transcriptFormats.join(', ')}` }).default('txt'),
});

@Controller('api/transcripts')
@UseInterceptors(DeadlineInterceptor)
export class TranscriptsController {
  constructor(private readonly transcripts: TranscriptQueries) {}

  @Get(':transcriptId/download')
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
}
