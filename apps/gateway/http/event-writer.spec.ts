import { once } from 'node:events';
import { createServer, get, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Feed, Follower } from '#events';
import { eventually } from '#testing';
import type { WatchedEvent } from '../jobs/job-news.js';
import { EventWriter, frame } from './event-writer.js';

const event: WatchedEvent = { position: 1, body: { type: 'void', data: { span: 0 } } };

/** Pushes the event as often as it is told, as a bus does. */
class FakeFeed implements Feed {
  follower: Follower<WatchedEvent> | undefined;
  closed = 0;
  given = 0;

  constructor(private readonly most: number) {}

  follow(follower: Follower<WatchedEvent>): Feed {
    this.follower = follower;
    setImmediate(() => this.resume());
    return this;
  }

  resume(): void {
    while (this.given < this.most) {
      this.given += 1;
      if (!this.follower?.take(event)) return;
    }
    this.close();
  }

  close(): void {
    this.closed += 1;
    this.follower?.end();
  }
}

describe('EventWriter', () => {
  let response: ServerResponse;
  let answer: IncomingMessage;
  const server = createServer();

  beforeEach(async () => {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const request = get({ host: '127.0.0.1', port: (server.address() as AddressInfo).port });
    [, response] = (await once(server, 'request')) as [IncomingMessage, ServerResponse];
    response.flushHeaders();
    [answer] = (await once(request, 'response')) as [IncomingMessage];
    answer.on('error', () => undefined);
  });

  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  it('writes everything to a client that is behind now and then, and leaves no listener for each time', async () => {
    const feed = new FakeFeed(50);
    const writer = new EventWriter(response, 60_000, () => 'x'.repeat(200_000));
    writer.follow(feed);
    let bytes = 0;
    answer.on('data', (chunk: Buffer) => (bytes += chunk.length));
    await writer.ended;
    expect(response.listenerCount('drain')).toBe(1);
    response.end();
    await once(answer, 'end');
    expect(bytes).toBe(50 * 200_000);
  });

  it('cuts off a client that stays behind, and closes its feed', async () => {
    const feed = new FakeFeed(1_000_000);
    const writer = new EventWriter(response, 50, () => 'x'.repeat(200_000));
    writer.follow(feed);
    await writer.ended;
    expect(response.destroyed).toBe(true);
    expect(feed.given).toBeLessThan(1_000);
  });

  it('closes the feed when the client goes away', async () => {
    const feed = new FakeFeed(0);
    const quiet = new EventWriter(response, 60_000, frame);
    quiet.follow({ follow: (follower) => Object.assign(feed, { follower }) });
    answer.destroy();
    await quiet.ended;
    expect(await eventually('the end', () => feed.closed > 0)).toBe(true);
  });

  it('makes the bytes of an event once for all who read it', () => {
    expect(frame(event)).toBe(frame({ ...event }));
    expect(frame(event).toString()).toBe('id: 1\nevent: void\ndata: {"span":0}\n\n');
  });
});
