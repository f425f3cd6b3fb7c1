import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Redis } from 'ioredis';

/**
 * The least that fanning out can be: a Redis subscriber that writes each message, as it is, to every response that waits
 * for its channel. Environment: `REDIS_URL`.
 */
const redis = new Redis(process.env['REDIS_URL'] ?? '');
const readers = new Map<string, Set<ServerResponse>>();
const subscriptions = new Map<string, Promise<unknown>>();
redis.on('message', (channel: string, message: string) => {
  for (const response of readers.get(channel) ?? []) response.write(message);
});

const server = createServer((request, response) => {
  const channel = request.url ?? '/';
  const subscribed = subscriptions.get(channel) ?? redis.subscribe(channel);
  subscriptions.set(channel, subscribed);
  readers.set(channel, (readers.get(channel) ?? new Set()).add(response));
  subscribed.then(
    // A reader that has the head misses nothing that is published from then on.
    () => response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders(),
    (error: unknown) => process.stderr.write(`${String(error)}\n`),
  );
  response.once('close', () => readers.get(channel)?.delete(response));
});
server.listen(0, '127.0.0.1', 4_096, () => {
  process.send?.({ http: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
});
process.once('SIGTERM', () => {
  redis.disconnect();
  server.closeAllConnections();
  server.close(() => process.disconnect());
});
