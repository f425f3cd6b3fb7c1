import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { loadConfig } from '#config';
import type { EngineInstance } from '#contracts';
import { createEventBus, type EventBus } from '#events';
import { createObjectStore, type ObjectStore } from '#objects';
import { Database, JobRepository } from '#persistence';
import { startTestDatabase } from '../../../libs/persistence/testing.js';
import { createJobQueue, type JobQueue } from '#queue';
import type { EndpointName } from '#service-host';
import { createLogger } from '#telemetry';
import { eventually } from '#testing';
import { type ClientLimits, clientLimits } from '../client-limits.js';
import { startGateway } from '../start-gateway.js';
import { AnswerWatch } from './answer-watch.js';
import { watchFastify } from './fastify-watch.js';
import { startRegistryStandIn } from './registry-stand-in.js';
import { TcpLink } from './tcp-link.js';

/** A gateway on real backing services, and what a worker would have of them. */
export interface GatewayUnderTest {
  readonly url: string;
  readonly grpcAddress: string;
  /** Stands between the gateway and its database. */
  readonly databaseLink: TcpLink;
  readonly database: Database;
  readonly jobs: JobRepository;
  readonly events: EventBus;
  readonly queue: JobQueue;
  readonly objects: ObjectStore;
  readonly logLines: string[];
  /** What it answers is held against the API document; `stop` fails where an answer did not fit. */
  readonly answers: AnswerWatch;
  /** Files in the object store, those that are being written included. */
  storedFiles(): Promise<string[]>;
  countRows(): Promise<number>;
  stop(): Promise<void>;
}

export async function startGatewayUnderTest(
  instances: readonly EngineInstance[],
  environment: Readonly<Record<string, string>> = {},
  limits: Partial<ClientLimits> = {},
): Promise<GatewayUnderTest> {
  const stops: Stop[] = [];
  const stop = async (): Promise<void> => {
    for (const step of stops.splice(0).toReversed()) await step();
  };
  try {
    return { ...(await startParts(stops, instances, environment, limits)), stop };
  } catch (error) {
    // Whatever was left running would keep Jest from its end.
    await stop();
    throw error;
  }
}

type Stop = () => Promise<unknown>;

async function startParts(
  stops: Stop[],
  instances: readonly EngineInstance[],
  environment: Readonly<Record<string, string>>,
  limits: Partial<ClientLimits>,
): Promise<Omit<GatewayUnderTest, 'stop'>> {
  const answers = new AnswerWatch();
  stops.push(() => {
    if (answers.faults.length === 0) return Promise.resolve();
    return Promise.reject(new Error(`Not as the API document has it:\n${answers.faults.join('\n')}`));
  });
  const dataDir = await mkdtemp(join(tmpdir(), 'polyscribe-gateway-'));
  stops.push(() => rm(dataDir, { recursive: true, force: true }));
  const testDatabase = await startTestDatabase();
  stops.push(() => testDatabase.stop());
  const databaseUrl = testDatabase.url;
  const config = loadConfig({ PORT: '0', GRPC_PORT: '0', DATA_DIR: dataDir, ...environment });
  const logLines: string[] = [];
  const logger = createLogger('gateway', 'info', linesInto(logLines));
  const registry = await startRegistryStandIn(instances, logger);
  stops.push(() => registry.stop());
  const databaseLink = await TcpLink.to(databaseUrl);
  stops.push(() => databaseLink.close());
  const addresses: Partial<Record<string, string>> = { database: databaseLink.url, registry: registry.address };
  const context = { config, logger, endpoint: (name: EndpointName) => addresses[name] ?? '' };
  const watching = watchFastify((fastify) => {
    answers.attachTo(fastify);
  });
  const running = await startGateway(context, { ...clientLimits, ...limits }).finally(watching.stop);
  stops.push(() => running.stop());

  const database = new Database(databaseUrl);
  stops.push(() => database.close());
  await database.connect();
  const events = createEventBus({ databaseUrl, logger });
  stops.push(() => events.close());
  const queue = createJobQueue({ databaseUrl, logger });
  stops.push(() => queue.close());
  const objects = await createObjectStore({ config, logger });
  stops.push(() => objects.close());
  const url = running.endpoints?.http ?? '';
  await eventually('the gateway to know the engines', async () => {
    const health = (await (await fetch(`${url}/health`)).json()) as { components: { registry: { status: string } } };
    return health.components.registry.status === 'up';
  });
  return {
    url,
    grpcAddress: running.endpoints?.grpc ?? '',
    databaseLink,
    database,
    jobs: new JobRepository(database),
    events,
    queue,
    objects,
    logLines,
    answers,
    storedFiles: () => filesUnder(join(dataDir, 'objects')),
    countRows: async () => {
      const counts = await new JobRepository(database).stats();
      return Object.values(counts).reduce((sum, count) => sum + count, 0);
    },
  };
}

function linesInto(lines: string[]): Writable {
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(chunk.toString());
      done();
    },
  });
}

async function filesUnder(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile() && entry.name !== '.link-secret').map((entry) => entry.name);
}
