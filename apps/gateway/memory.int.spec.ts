import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type Socket } from 'node:net';
import { createEventBus } from '#events';
import { createLogger } from '#telemetry';
import { startTestDatabase, type TestDatabase } from '../../libs/persistence/testing.js';
import { instanceOf } from '../../libs/routing/testing.js';
import { ServiceProcess } from './testing/service-process.js';
import { type RegistryStandIn, startRegistryStandIn } from './testing/registry-stand-in.js';
import { RestClient } from './testing/rest-client.js';

/** Half of what the process may grow by. */
const MAX_GROWTH_BYTES = 64 * 1024 * 1024;
/** Together they leave four times as much unread as the process may grow by. */
const SLOW_READERS = 8;
const UNREAD_BYTES = 64 * 1024 * 1024;

describe('a gateway process of its own', () => {
  let database: TestDatabase;
  let registry: RegistryStandIn;
  let dataDir: string;
  let gateway: ServiceProcess;
  let client: RestClient;

  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'polyscribe-memory-'));
    database = await startTestDatabase();
    registry = await startRegistryStandIn([instanceOf('local')], createLogger('test', 'silent'));
    gateway = await ServiceProcess.start('gateway', {
      DATA_DIR: dataDir,
      DATABASE_URL: database.url,
      ENGINE_REGISTRY_URL: registry.address,
    });
    client = new RestClient(gateway.url);
  });

  afterAll(async () => {
    await gateway.kill();
    await registry.stop();
    await database.stop();
    await rm(dataDir, { recursive: true, force: true });
  });

  it('does not grow with what readers of events leave unread', async () => {
    const { jobId } = await client.submit();
    const before = await gateway.residentBytes();
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
      expect((await gateway.residentBytes()) - before).toBeLessThan(2 * MAX_GROWTH_BYTES);
    } finally {
      for (const reader of readers) reader.destroy();
      await events.close();
    }
  }, 120_000);

  it('ends with code 0 when it is asked to stop', async () => {
    expect(await gateway.terminate()).toEqual([0, null]);
  });

  async function slowReader(jobId: string): Promise<Socket> {
    const { hostname, port } = new URL(client.baseUrl);
    const socket = connect(Number(port), hostname);
    await once(socket, 'connect');
    socket.write(`GET /api/transcribe/jobs/stream/${jobId} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    await once(socket, 'data');
    return socket.pause();
  }
});
