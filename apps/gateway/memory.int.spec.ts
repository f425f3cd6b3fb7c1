import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createEventBus } from '#events';
import { createLogger } from '#telemetry';
import { startTestDatabase, type TestDatabase } from '../../libs/persistence/testing.js';
import { instanceOf } from '../../libs/routing/testing.js';
import { type RegistryStandIn, startRegistryStandIn } from './testing/registry-stand-in.js';
import { RestClient } from './testing/rest-client.js';
import { silentWav } from './testing/sounds.js';

const UPLOAD_BYTES = 490_000_000;
const WARM_UP_BYTES = 50_000_000;
const CHUNK = Buffer.alloc(256 * 1024);
/** What the process may grow by. Buffers of sockets, streams and the hash are far below; the file is eight times as large. */
const MAX_GROWTH_BYTES = 64 * 1024 * 1024;
/** Together they leave four times as much unread as the process may grow by. */
const SLOW_READERS = 8;
const UNREAD_BYTES = 64 * 1024 * 1024;

describe('a gateway process of its own', () => {
  let database: TestDatabase;
  let registry: RegistryStandIn;
  let dataDir: string;
  let gateway: ChildProcess;
  let client: RestClient;

  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'polyscribe-memory-'));
    database = await startTestDatabase();
    registry = await startRegistryStandIn([instanceOf('local')], createLogger('test', 'silent'));
    gateway = spawn(process.execPath, [fileURLToPath(new URL('main.js', import.meta.url))], {
      env: {
        PATH: process.env['PATH'],
        PORT: '0',
        GRPC_PORT: '0',
        DATA_DIR: dataDir,
        DATABASE_URL: database.url,
        ENGINE_REGISTRY_URL: registry.address,
      },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    client = new RestClient(await readyUrl(gateway));
  });

  afterAll(async () => {
    if (gateway.exitCode === null) {
      const exited = once(gateway, 'exit');
      gateway.kill('SIGKILL');
      await exited;
    }
    await registry.stop();
    await database.stop();
    await rm(dataDir, { recursive: true, force: true });
  });

  it('does not grow with the file that is uploaded', async () => {
    // The first uploads load code, fill pools and let the heap take its size.
    await client.submit();
    await upload(WARM_UP_BYTES);
    const before = await residentBytes();
    let peak = before;
    const uploaded = new AbortController();
    const watching = watchResident(uploaded.signal, (bytes) => (peak = Math.max(peak, bytes)));
    const status = await upload(UPLOAD_BYTES);
    uploaded.abort();
    await watching;
    expect(status).toBe(202);
    expect(peak - before).toBeLessThan(MAX_GROWTH_BYTES);
  }, 120_000);

  it('does not grow with what readers of events leave unread', async () => {
    const { jobId } = await client.submit();
    const before = await residentBytes();
    const readers = await Promise.all(Array.from({ length: SLOW_READERS }, () => slowReader(jobId)));
    const logger = createLogger('test', 'silent');
    const events = createEventBus({ databaseUrl: database.url, logger });
    try {
      const text = 'x'.repeat(50_000);
      for (let n = 0; n < UNREAD_BYTES / text.length; n += 1) {
        await events.publish(jobId, [
          { type: 'delta', data: { segment_id: `0-${n}`, span: 0, text, t0: n, t1: n + 1 } },
        ]);
      }
      // A reader that does read has it all, so that the gateway has had it in its hands.
      let read = 0;
      for await (const { type } of client.events(jobId)) {
        read += type === 'delta' ? text.length : 0;
        if (read >= UNREAD_BYTES) break;
      }
      expect((await residentBytes()) - before).toBeLessThan(2 * MAX_GROWTH_BYTES);
    } finally {
      for (const reader of readers) reader.destroy();
      await events.close();
    }
  }, 120_000);

  it('ends with code 0 when it is asked to stop', async () => {
    const exited = once(gateway, 'exit');
    gateway.kill('SIGTERM');
    expect(await exited).toEqual([0, null]);
  });

  async function upload(bytes: number): Promise<number> {
    const response = await fetch(`${client.baseUrl}/api/transcribe/jobs/transcribe`, {
      method: 'POST',
      body: largeForm(bytes),
      headers: { 'content-type': 'multipart/form-data; boundary=b' },
      duplex: 'half',
    });
    await response.arrayBuffer();
    return response.status;
  }

  async function slowReader(jobId: string): Promise<Socket> {
    const { hostname, port } = new URL(client.baseUrl);
    const socket = connect(Number(port), hostname);
    await once(socket, 'connect');
    socket.write(`GET /api/transcribe/jobs/stream/${jobId} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    await once(socket, 'data');
    return socket.pause();
  }

  async function watchResident(until: AbortSignal, tell: (bytes: number) => void): Promise<void> {
    while (!until.aborted) {
      tell(await residentBytes());
      await delay(50);
    }
  }

  async function residentBytes(): Promise<number> {
    const metrics = await (await client.get('/metrics')).text();
    return Number(/^process_resident_memory_bytes (\d+)/m.exec(metrics)?.[1]);
  }
});

async function readyUrl(gateway: ChildProcess): Promise<string> {
  if (!gateway.stderr) throw new Error('The process has no standard error.');
  for await (const line of createInterface(gateway.stderr)) {
    const entry = JSON.parse(line) as { msg: string; http?: string };
    if (entry.msg === 'ready' && entry.http !== undefined) {
      gateway.stderr.resume();
      return entry.http;
    }
  }
  throw new Error('The gateway did not start.');
}

/** Made while it is sent: the test holds no more of it than the gateway does. */
function largeForm(bytes: number): ReadableStream<Uint8Array> {
  let sent = 0;
  return new ReadableStream({
    start(controller) {
      controller.enqueue(
        Buffer.from('--b\r\nContent-Disposition: form-data; name="file"; filename="long.wav"\r\n\r\n'),
      );
      controller.enqueue(silentWav(1));
    },
    pull(controller) {
      controller.enqueue(CHUNK);
      sent += CHUNK.length;
      if (sent < bytes) return;
      controller.enqueue(Buffer.from('\r\n--b--\r\n'));
      controller.close();
    },
  });
}
