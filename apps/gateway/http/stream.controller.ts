import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { type BeforeApplicationShutdown, Controller, Get, Headers, Inject, Param, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { JobEventType } from '#contracts';
import type { Logger } from '#telemetry';
import { type JobNews, parsePosition, type Position, type WatchedEvent, WatchJob } from '../jobs/watch-job.service.js';
import { CLIENT_LIMITS, LOGGER } from '../tokens.js';
import type { ClientLimits } from '../client-limits.js';
import { inAnswerTime } from '../answer-time.js';

const KEEP_ALIVE_MS = 15_000;

@Controller('api/transcribe/jobs/stream')
export class StreamController implements BeforeApplicationShutdown {
  private readonly open = new Set<JobNews>();

  constructor(
    private readonly watchJob: WatchJob,
    @Inject(LOGGER) private readonly logger: Logger,
    @Inject(CLIENT_LIMITS) private readonly limits: ClientLimits,
  ) {}

  @Get(':jobId')
  async stream(
    @Param('jobId') jobId: string,
    @Headers('last-event-id') lastEventId: string | undefined,
    @Query('last_event_id') lastEventIdInQuery: string | undefined,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    await this.send(jobId, lastEventId ?? lastEventIdInQuery, reply, frame);
  }

  /** Answers with the events of a job after that one, each as `framed` writes it. */
  async send(
    jobId: string,
    lastEventId: string | undefined,
    reply: FastifyReply,
    framed: (event: WatchedEvent) => string,
  ): Promise<void> {
    const opening = this.watchJob.open(jobId, parsePosition(lastEventId));
    const news = await inAnswerTime(opening).catch((error: unknown) => {
      // Nobody reads what is opened after that answer.
      void opening.then((late) => late?.close()).catch(() => undefined);
      throw error;
    });
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
    this.open.add(news);
    try {
      await relay(news, reply.raw, this.limits.slowReaderMs, framed);
    } catch (error) {
      // The head is out: the client sees the stream break off and comes back with its last id.
      this.logger.warn({ err: error, jobId, requestId: reply.request.id }, 'an event stream broke off');
    } finally {
      this.open.delete(news);
      news.close();
      reply.raw.end();
    }
  }

  /** Streams have no end of their own while jobs run; they must not hold up a stop. */
  beforeApplicationShutdown(): void {
    for (const news of this.open) news.close();
  }
}

async function relay(
  news: JobNews,
  response: ServerResponse,
  slowReaderMs: number,
  framed: (event: WatchedEvent) => string,
): Promise<void> {
  const onClose = (): void => {
    news.close();
  };
  response.once('close', onClose);
  const keepAlive = setInterval(() => {
    if (!response.writableNeedDrain) response.write(': keep-alive\n\n');
  }, KEEP_ALIVE_MS);
  try {
    if (response.destroyed) return;
    for await (const event of news) {
      if (!(await write(response, framed(event), slowReaderMs))) return;
    }
  } finally {
    clearInterval(keepAlive);
    response.off('close', onClose);
  }
}

/** Writes and waits while the client is behind, up to `slowReaderMs`; false when it is gone or was cut off. */
export async function write(response: ServerResponse, text: string, slowReaderMs: number): Promise<boolean> {
  if (response.destroyed) return false;
  if (response.write(text)) return true;
  const waiting = new AbortController();
  const { signal } = waiting;
  const patience = setTimeout(() => response.destroy(), slowReaderMs);
  try {
    await Promise.race([once(response, 'drain', { signal }), once(response, 'close', { signal })]);
  } finally {
    clearTimeout(patience);
    // Of the two only one happened: the other's listener would stay for as long as the stream.
    waiting.abort();
  }
  return !response.destroyed;
}

/** One event as our own clients read it. */
export function frame({ position, body }: WatchedEvent): string {
  return frameOf(position, body.type, body.data);
}

/** One event in the wire form of the HTML standard, 9.2.6. JSON has no line ends, so `data` is one line. */
export function frameOf(position: Position, type: JobEventType, data: object): string {
  const name = type === 'status' ? '' : `event: ${type}\n`;
  return `id: ${position}\n${name}data: ${JSON.stringify(data)}\n\n`;
}
