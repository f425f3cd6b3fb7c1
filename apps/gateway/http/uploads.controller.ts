import { Controller, Delete, Head, Options, Patch, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { PolyscribeError } from '#contracts';
import { TusUploads, UPLOADS_PATH } from '../uploads/tus-uploads.service.js';

/** The only version of the protocol that there is. */
const TUS_VERSION = '1.0.0';

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
    void reply.header('tus-resumable', TUS_VERSION);
    const { method, url, headers } = request;
    if (method !== 'OPTIONS' && headers['tus-resumable'] !== TUS_VERSION) {
      void reply.header('tus-version', TUS_VERSION);
      throw new PolyscribeError(
        'unsupported_version',
        `Send the header Tus-Resumable: ${TUS_VERSION} with every request.`,
      );
    }
    const answer = await this.uploads.handle({ method, url, headers, body: request.raw });
    void reply.code(answer.status).headers(answer.headers).send();
  }
}
