import { type BeforeApplicationShutdown, Controller, Get, Headers, Inject, Param, Query, Res } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import type { Feed } from '#events';
import type { Logger } from '#telemetry';
import { parseQuery } from '../jobs/job-queries.service.js';
import { parsePosition, WatchJob } from '../jobs/watch-job.service.js';
import { CLIENT_LIMITS, LOGGER } from '../tokens.js';
import type { ClientLimits } from '../client-limits.js';
import { inAnswerTime } from '../answer-time.js';
import { EventWriter, frame, type Framing } from './event-writer.js';

const streamQuery = z.strictObject({ last_event_id: z.string({ error: 'must be given once' }).optional() });

@Controller('api/transcribe/jobs/stream')
export class StreamController implements BeforeApplicationShutdown {
  private readonly open = new Set<Feed>();

  constructor(
    private readonly watchJob: WatchJob,
    @Inject(LOGGER) private readonly logger: Logger,
    @Inject(CLIENT_LIMITS) private readonly limits: ClientLimits,
  ) {}

  @Get(':jobId')
  @RouteConfig({ takesQuery: true })
  async stream(
    @Param('jobId') jobId: string,
    @Headers('last-event-id') lastEventId: string | undefined,
    @Query() query: unknown,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const { last_event_id: lastEventIdInQuery } = parseQuery(streamQuery, query);
    await this.send(jobId, lastEventId ?? lastEventIdInQuery, reply, frame);
  }

  /** Answers with the events of a job after that one, each as `framed` writes it. */
  async send(jobId: string, lastEventId: string | undefined, reply: FastifyReply, framed: Framing): Promise<void> {
    const news = await inAnswerTime(this.watchJob.open(jobId, parsePosition(lastEventId)));
    if (!news) {
      await reply.code(204).send();
      return;
    }
    reply.headers({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache, no-transform',
      // nginx would hold events back until its buffer is full.
      'x-accel-buffering': 'no',
    });
    reply.hijack();
    reply.raw.writeHead(200, reply.getHeaders() as Record<string, string>);
    reply.raw.flushHeaders();
    const writer = new EventWriter(reply.raw, this.limits.slowReaderMs, framed);
    const feed = writer.follow(news);
    this.open.add(feed);
    try {
      await writer.ended;
    } catch (error) {
      // The head is out: the client sees the stream break off and comes back with its last id.
      this.logger.warn({ err: error, jobId, requestId: reply.request.id }, 'an event stream broke off');
    } finally {
      this.open.delete(feed);
      reply.raw.end();
    }
  }

  /** Streams have no end of their own while jobs run; they must not hold up a stop. */
  beforeApplicationShutdown(): void {
    for (const feed of this.open) feed.close();
  }
}
