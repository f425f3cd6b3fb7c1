import { Controller, Delete, Head, Options, Patch, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { TusUploads, UPLOADS_PATH } from '../uploads/tus-uploads.service.js';

/** Resumable uploads: every method is the protocol's. */
@Controller(UPLOADS_PATH.slice(1))
export class UploadsController {
  constructor(private readonly uploads: TusUploads) {}

  @Options()
  discover(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.handle(request, reply);
  }

  @Post()
  create(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.handle(request, reply);
  }

  @Head(':id')
  ask(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.handle(request, reply);
  }

  @Patch(':id')
  continue(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.handle(request, reply);
  }

  @Delete(':id')
  terminate(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.handle(request, reply);
  }

  private async handle(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    // Said with refusals too.
    void reply.header('tus-resumable', '1.0.0');
    const { method, url, headers } = request;
    const answer = await this.uploads.handle({ method, url, headers, body: request.raw });
    void reply.code(answer.status).headers(answer.headers).send();
  }
}
