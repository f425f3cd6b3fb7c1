import type { ServerResponse } from 'node:http';
import type { JobEventBody, JobEventType } from '#contracts';
import type { Feed, Follower } from '#events';
import type { JobNews, Position, WatchedEvent } from '../jobs/job-news.js';

const KEEP_ALIVE_MS = 15_000;

/** How an event is written. */
export type Framing = (event: WatchedEvent) => string | Buffer;

/**
 * Writes what it is told to one client, which is told no more while it is behind, and cut off when it stays so. Nothing
 * here waits on a promise for each event: with thousands of readers that costs more than the writing.
 */
export class EventWriter implements Follower<WatchedEvent> {
  /** Resolves when the news are over or the client is gone. @throws what the news failed with */
  readonly ended: Promise<void>;
  private settle: { readonly resolve: () => void; readonly reject: (error: unknown) => void } | undefined;
  private patience: NodeJS.Timeout | undefined;

  /** @param slowReaderMs for how long a client may be behind */
  constructor(
    private readonly response: ServerResponse,
    private readonly slowReaderMs: number,
    private readonly framed: Framing,
  ) {
    this.ended = new Promise((resolve, reject) => (this.settle = { resolve, reject }));
  }

  /** Begins to write. */
  follow(news: JobNews): Feed {
    const { response } = this;
    const keepAlive = setInterval(() => {
      if (!response.writableNeedDrain) response.write(': keep-alive\n\n');
    }, KEEP_ALIVE_MS);
    const feed = news.follow(this);
    const onClose = (): void => {
      clearInterval(keepAlive);
      clearTimeout(this.patience);
      feed.close();
    };
    response.on('drain', () => {
      clearTimeout(this.patience);
      feed.resume();
    });
    if (response.destroyed) onClose();
    else response.once('close', onClose);
    this.ended.then(
      () => clearInterval(keepAlive),
      () => clearInterval(keepAlive),
    );
    return feed;
  }

  take(event: WatchedEvent): boolean {
    const { response } = this;
    if (response.destroyed) return false;
    if (response.write(this.framed(event))) return true;
    clearTimeout(this.patience);
    this.patience = setTimeout(() => response.destroy(), this.slowReaderMs);
    return false;
  }

  end(error?: unknown): void {
    if (error === undefined) this.settle?.resolve();
    else this.settle?.reject(error);
  }
}

/** Made once for all readers of an event, who are given the same object. */
const frames = new WeakMap<JobEventBody, Buffer>();

/** One event as our own clients read it. */
export function frame({ position, body }: WatchedEvent): Buffer {
  const known = frames.get(body);
  if (known) return known;
  const made = Buffer.from(frameOf(position, body.type, body.data));
  frames.set(body, made);
  return made;
}

/** One event in the wire form of the HTML standard, 9.2.6. JSON has no line ends, so `data` is one line. */
export function frameOf(position: Position, type: JobEventType, data: object): string {
  const name = type === 'status' ? '' : `event: ${type}\n`;
  return `id: ${position}\n${name}data: ${JSON.stringify(data)}\n\n`;
}
