import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Metrics } from './metrics.js';

/** A scrape is one short request. */
const REQUEST_TIMEOUT_MS = 10_000;
const MAX_CONNECTIONS = 50;

export interface MetricsServer {
  readonly port: number;
  close(): Promise<void>;
}

/**
 * Serves `GET /metrics` and nothing else, for processes that have no HTTP server of their own.
 *
 * @param port 0 takes a free one
 * @throws what listening fails with
 */
export async function serveMetrics(metrics: Metrics, host: string, port: number): Promise<MetricsServer> {
  const server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS, headersTimeout: REQUEST_TIMEOUT_MS });
  server.maxConnections = MAX_CONNECTIONS;
  server.on('request', ({ method, url }, response: ServerResponse) => {
    if ((method === 'GET' || method === 'HEAD') && url === '/metrics') void answer(metrics, response);
    else response.writeHead(404).end();
  });
  server.listen(port, host);
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, close: () => close(server) };
}

async function answer(metrics: Metrics, response: ServerResponse): Promise<void> {
  try {
    const body = await metrics.render();
    response.writeHead(200, { 'content-type': metrics.contentType }).end(body);
  } catch {
    response.writeHead(500).end();
  }
}

async function close(server: Server): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
}
