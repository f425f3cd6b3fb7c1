import { createHmac, randomUUID } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { eventually } from '#testing';
import { instanceOf } from '../../libs/routing/testing.js';
import { newWebhookEndpointSchema, problemSchema } from './openapi/response-schemas.js';
import { type GatewayUnderTest, startGatewayUnderTest } from './testing/gateway-under-test.js';

describe('the door for reports of remote workers', () => {
  let server: GatewayUnderTest;

  beforeAll(async () => {
    server = await startGatewayUnderTest([instanceOf('local')]);
  });
  afterAll(() => server.stop());

  async function endpoint(): Promise<{ id: string; secret: string }> {
    const response = await fetch(`${server.url}/api/webhooks/endpoints`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ url: 'https://gpu.example.com/hook', event_types: ['job.offered'] }),
    });
    return newWebhookEndpointSchema.parse(await response.json());
  }

  function headersOf(secret: string, body: string): Record<string, string> {
    const [id, timestamp] = [`msg_${randomUUID()}`, String(Math.floor(Date.now() / 1000))];
    const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
    const signature = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64');
    const signed = { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${signature}` };
    return { 'content-type': 'application/json', ...signed };
  }

  /** Sends a report that announces a body and does not come. */
  function silent(path: string, onTurnedAway: () => void): Socket {
    const { hostname, port } = new URL(server.url);
    const lines = Object.entries({ host: 'localhost', 'content-length': '1000', ...headersOf('whsec_eA==', '') });
    const socket = connect(Number(port), hostname);
    socket
      .on('error', () => undefined)
      .once('data', onTurnedAway)
      .once('close', onTurnedAway);
    socket.write(`POST ${path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n{`);
    return socket;
  }

  it('is open to a worker whatever strangers hold that send nothing', async () => {
    const { id, secret } = await endpoint();
    const path = `/api/webhooks/transcription?endpoint_id=${id}`;
    const data = { job_id: randomUUID(), offer_id: randomUUID(), worker_id: 'gpu-1', sequence: 1 };
    const body = JSON.stringify({ type: 'transcription.started', data });
    const report = async (): Promise<string> => {
      const response = await fetch(server.url + path, { method: 'POST', headers: headersOf(secret, body), body });
      return problemSchema.parse(await response.json()).code;
    };
    const turnedAway = new Set<number>();
    const strangers = Array.from({ length: 12 }, (_, index) => silent(path, () => turnedAway.add(index)));
    try {
      await eventually('the places to be taken', () => turnedAway.size >= 6, 60_000);
      const isRead = async (): Promise<boolean> => (await report()) === 'job_not_found';
      await expect(eventually('a report to be read', isRead, 60_000)).resolves.toBe(true);
    } finally {
      for (const stranger of strangers) stranger.destroy();
    }
  }, 120_000);
});
