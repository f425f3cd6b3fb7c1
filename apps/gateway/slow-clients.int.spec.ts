import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { JobEventBody } from '#contracts';
import { createGrpcChannel, createGrpcClient } from '#grpc';
import { jobV1 } from '#protos';
import { Status } from 'nice-grpc';
import { eventually } from '#testing';
import { instanceOf } from '../../libs/routing/testing.js';
import { type GatewayUnderTest, startGatewayUnderTest } from './testing/gateway-under-test.js';
import { RestClient } from './testing/rest-client.js';

const base = '/api/transcribe/jobs';
/** More than what the system buffers of a connection on its two sides. */
const EVENTS = 600;
const TEXT = 'x'.repeat(50_000);

describe('a gateway with clients that do nothing', () => {
  let server: GatewayUnderTest;
  let client: RestClient;

  beforeAll(async () => {
    const limits = { slowReaderMs: 5_000, aroundFileMs: 500 };
    server = await startGatewayUnderTest([instanceOf('local')], {}, limits);
    client = new RestClient(server.url);
  });
  afterAll(async () => {
    await server.stop();
  });

  async function open(head: string): Promise<Socket> {
    const { hostname, port } = new URL(server.url);
    const socket = connect(Number(port), hostname);
    await once(socket, 'connect');
    socket.write(`${head}\r\nHost: localhost\r\n\r\n`);
    return socket;
  }

  async function untilClosed(socket: Socket): Promise<string> {
    let text = '';
    socket.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    if (!socket.closed) await once(socket, 'close');
    return text;
  }

  function brokenStreams(): number {
    return server.logLines.filter((line) => line.includes('/stream/:jobId') && line.includes('"status":499')).length;
  }

  async function publish(jobId: string, from: number, to: number): Promise<void> {
    for (let first = from; first < to; first += 50) {
      const batch = Array.from({ length: Math.min(50, to - first) }, (_, n) => delta(first + n));
      await server.events.publish(jobId, batch);
    }
  }

  it.each(['', '\r\nContent-Disposition: form-data; name="title"\r\n\r\nfoo\r\n--b'])(
    'refuses a form that comes to no file: --b%j',
    async (begun) => {
      const type = 'Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 5000\r\nConnection: close';
      const socket = await open(`POST ${base}/transcribe HTTP/1.1\r\n${type}`);
      socket.write(`--b${begun}`);
      let answer = '';
      socket.setEncoding('utf8').on('data', (chunk: string) => (answer += chunk));
      await eventually('the answer', () => answer.includes('}'));
      socket.destroy();
      expect(answer).toMatch(/^HTTP\/1\.1 400 /);
      expect(answer).toMatch(/"code":"invalid_request"/);
    },
  );

  it('refuses a call that submits and sends nothing', async () => {
    const channel = createGrpcChannel(server.grpcAddress);
    try {
      const jobs = createGrpcClient(jobV1.JobServiceDefinition, channel, { unaryDeadlineMs: 20_000 });
      let release: () => void = () => undefined;
      const held = new Promise<void>((resolve) => (release = resolve));
      async function* silence(): AsyncGenerator<jobV1.SubmitRequest> {
        await held;
        yield* [];
      }
      const refused = { code: Status.INVALID_ARGUMENT, details: expect.stringContaining('sent nothing') as string };
      await expect(jobs.submit(silence())).rejects.toMatchObject(refused);
      release();
    } finally {
      channel.close();
    }
  });

  it('cuts off a reader of events that is too slow, who loses nothing, while others go on', async () => {
    const { jobId } = await client.submit();
    const slow = await open(`GET ${base}/stream/${jobId} HTTP/1.1`);
    await once(slow, 'data');
    slow.pause();
    const fast = idsOf(client.events(jobId), EVENTS + 1);
    await publish(jobId, 0, EVENTS);
    const ids = await fast;
    expect(ids).toEqual(Array.from({ length: EVENTS + 1 }, (_, n) => n + 1));

    // The fast reader left by itself.
    await eventually('the slow reader to be cut off', () => brokenStreams() === 2, 30_000);
    slow.resume();
    const received = [...(await untilClosed(slow)).matchAll(/^id: (\d+)\n(?:.+\n)+\n/gm)].map(([, id]) => Number(id));
    const last = received.at(-1) ?? 1;
    expect(last).toBeLessThan(EVENTS);
    const rest = await idsOf(client.events(jobId, String(last)), EVENTS + 1 - last);
    expect(rest).toEqual(ids.slice(last));
  }, 60_000);
});

function delta(n: number): JobEventBody {
  return { type: 'delta', data: { segment_id: `0-${n}`, span: 0, text: TEXT, t0: n, t1: n + 1 } };
}

async function idsOf(events: AsyncIterable<{ readonly id: string }>, count: number): Promise<number[]> {
  const ids: number[] = [];
  for await (const { id } of events) {
    ids.push(Number(id));
    if (ids.length === count) break;
  }
  return ids;
}
