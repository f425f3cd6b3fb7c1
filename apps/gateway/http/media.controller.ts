import { Readable } from 'node:stream';
import { Controller, Get, Inject, Param, Query, Req, Res } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { formatByExtension } from '#audio';
import { PolyscribeError } from '#contracts';
import { formatTable, transcriptFormats } from '#formats';
import { attachmentNamed, ObjectStore, SignedLinks } from '#objects';
import { RESULTS_PREFIX } from '#result-files';
import { SIGNED_LINKS } from '../tokens.js';
import { parseRange } from './byte-range.js';
import { entityTag, isKnown, isSameObject, REVALIDATED } from './conditional.js';

/** Serves what signed links point to, whatever store holds it. */
@Controller('api/media')
export class MediaController {
  constructor(
    private readonly objects: ObjectStore,
    @Inject(SIGNED_LINKS) private readonly links: SignedLinks,
  ) {}

  @Get('*')
  @RouteConfig({ takesQuery: true })
  async read(
    @Param('*') key: string,
    @Query() query: Readonly<Record<string, unknown>>,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const filename = this.verifiedFilename(key, query);
    const object = await this.objects.stat(key);
    if (!object) throw new PolyscribeError('not_found', 'The recording is no longer kept.');

    const tag = entityTag(key, String(object.bytes), object.modifiedAt.toISOString());
    const ifRange = request.headers['if-range'];
    const applies = isSameObject(typeof ifRange === 'string' ? ifRange : undefined, tag, object.modifiedAt);
    const known = isKnown(request.headers['if-none-match'], tag);
    const range = applies && !known ? parseRange(request.headers.range, object.bytes) : undefined;
    // The link is the permission: a page elsewhere may play what it was given a link to.
    reply.headers({ 'accept-ranges': 'bytes', 'cross-origin-resource-policy': 'cross-origin' });
    if (range === 'unsatisfiable') {
      reply.header('content-range', `bytes */${object.bytes}`);
      throw new PolyscribeError(
        'range_not_satisfiable',
        `The recording has ${object.bytes} bytes; ask for some of these.`,
      );
    }
    reply.headers({
      etag: tag,
      'cache-control': REVALIDATED,
      'content-type': mediaTypeOf(key),
      'content-disposition': attachmentNamed(filename),
      'content-security-policy': "default-src 'none'; sandbox",
      'last-modified': object.modifiedAt.toUTCString(),
    });
    if (known) {
      await reply.code(304).send();
      return;
    }
    const { start, end } = range ?? { start: 0, end: object.bytes - 1 };
    if (range) reply.code(206).header('content-range', `bytes ${start}-${end}/${object.bytes}`);
    reply.header('content-length', end - start + 1);
    // The framework would read the whole object to throw it away.
    const wanted = request.method !== 'HEAD';
    await reply.send(wanted ? await this.objects.get(key, range) : Readable.from([]));
  }

  private verifiedFilename(key: string, query: Readonly<Record<string, unknown>>): string {
    const { expires, filename, signature } = query;
    const complete = typeof expires === 'string' && typeof filename === 'string' && typeof signature === 'string';
    if (complete && this.links.verify(key, { expires, filename, signature })) return filename;
    throw new PolyscribeError(
      'forbidden',
      'The link is wrong or has expired; ask for the result again to get a new one.',
    );
  }
}

/** By the extension, which comes from the bytes and not from the client: only what a browser plays and never runs. */
function mediaTypeOf(key: string): string {
  const extension = /\.([a-z0-9]+)$/.exec(key)?.[1] ?? '';
  const format = key.startsWith(RESULTS_PREFIX) ? transcriptFormats.find((name) => name === extension) : undefined;
  if (format) return formatTable[format].mediaType;
  return formatByExtension.get(extension)?.mediaType ?? 'application/octet-stream';
}
