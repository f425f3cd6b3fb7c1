import type { DescMethod } from '@bufbuild/protobuf';
import { Client, credentials, type StatusObject, status } from '@grpc/grpc-js';
import * as fc from 'fast-check';
import { loadConfig } from '#config';
import { hostEngine } from '#engine-host';
import { ScriptedEngine, testContext } from '#engine-testkit';
import { createLogger } from '#telemetry';
import { startEngineRegistry } from '../../apps/engine-registry/start-engine-registry.js';
import { startGatewayUnderTest } from '../../apps/gateway/testing/gateway-under-test.js';
import { instanceOf } from '../../libs/routing/testing.js';
import { messagesFor, methodsOf } from './message-values.js';
import { openFiles } from './open-files.js';

/** `npm run fuzz` sends 20,000. */
const CALLS = Number(process.env['FUZZ_REQUESTS'] ?? 1_500);
const AT_ONCE = 10;
/** Generous: what is looked for is an answer that never comes. */
const ANSWER_WITHIN_MS = 30_000;
/** Streams that have no end of their own are left after that long. */
const WATCHED_FOR_MS = 50;
const MOST_FILES_GROWTH = 40;

const services = [
  'polyscribe.job.v1.JobService',
  'polyscribe.job.v1.ContextService',
  'polyscribe.registry.v1.EngineRegistryService',
  'polyscribe.engine.v1.EngineService',
] as const;
type ServiceName = (typeof services)[number];

interface Call {
  readonly service: ServiceName;
  readonly method: DescMethod;
  readonly messages: readonly Uint8Array[];
}

describe('gRPC messages made up from the protos', () => {
  const clients = new Map<ServiceName, Client>();
  const stops: (() => Promise<unknown>)[] = [];
  let calls: fc.Arbitrary<Call>;

  beforeAll(async () => {
    const engines = (['local', 'asr', 'whisperx'] as const).map((kind) => instanceOf(kind));
    const gateway = await startGatewayUnderTest(engines, { URL_ALLOWED_HOSTS: 'files.example' });
    stops.push(() => gateway.stop());
    const logger = createLogger('test', 'silent');
    const registry = await startEngineRegistry({ config: loadConfig({ ENGINE_REGISTRY_PORT: '0' }), logger });
    stops.push(() => registry.stop());
    const registryAddress = registry.endpoints?.registry ?? '';
    const context = testContext({ registry: registryAddress });
    const hosted = await hostEngine({ engine: new ScriptedEngine(), context, stopGraceMs: 1_000 });
    stops.push(() => hosted.stop());
    const addresses = [gateway.grpcAddress, gateway.grpcAddress, registryAddress, hosted.address];
    for (const [index, service] of services.entries()) {
      const client = new Client(addresses[index] ?? '', credentials.createInsecure());
      clients.set(service, client);
      stops.push(async () => {
        await Promise.resolve();
        client.close();
      });
    }
    const methods = await Promise.all(
      services.map(async (service) => (await methodsOf(service)).map((method) => ({ service, method }))),
    );
    const kinds = methods
      .flat()
      .map(({ service, method }) => messagesFor(method).map((messages) => ({ service, method, messages })));
    calls = fc.oneof(...kinds);
  });
  afterAll(async () => {
    for (const stop of stops.reverse()) await stop();
  });

  /** Any method can be called as one with streams both ways: on the wire they are alike. */
  function send({ service, method, messages }: Call): Promise<Pick<StatusObject, 'code' | 'details'>> {
    const endless = method.name === 'Watch';
    return new Promise((resolve) => {
      const deadline = Date.now() + ANSWER_WITHIN_MS;
      const same = (bytes: Buffer): Buffer => bytes;
      const client = clients.get(service);
      if (!client) throw new Error(`There is no client of ${service}.`);
      const call = client.makeBidiStreamRequest(`/${service}/${method.name}`, same, same, { deadline });
      const leaving = endless ? setTimeout(() => call.cancel(), WATCHED_FOR_MS) : undefined;
      call.on('data', () => undefined);
      call.on('error', () => undefined);
      call.on('status', (ended: StatusObject) => {
        clearTimeout(leaving);
        resolve(ended);
      });
      for (const message of messages) call.write(Buffer.from(message));
      call.end();
    });
  }

  it(
    `end with a status that blames nobody but the caller, ${CALLS} calls of them`,
    async () => {
      const files = await openFiles();
      const codes = new Map<number, number>();
      await fc.assert(
        fc.asyncProperty(fc.array(calls, { minLength: AT_ONCE, maxLength: AT_ONCE }), async (batch) => {
          const ends = await Promise.all(batch.map(send));
          for (const { code } of ends) codes.set(code, (codes.get(code) ?? 0) + 1);
          const faulty = ends.flatMap(({ code, details }, index) =>
            faults.includes(code) ? [`${batch[index]?.method.name ?? ''}: ${status[code]} ${details}`] : [],
          );
          expect(faulty).toEqual([]);
        }),
        {
          numRuns: Math.ceil(CALLS / AT_ONCE),
          seed: Number(process.env['FUZZ_SEED'] ?? Date.now() % 1e9),
          // The server remembers what was sent before: a smaller batch would be another trial, and minutes of them
          // would end as a time limit that hides what was found.
          endOnFailure: true,
        },
      );
      expect(codes.get(status.OK)).toBeGreaterThan(0);
      expect(codes.get(status.INVALID_ARGUMENT)).toBeGreaterThan(0);
      expect((await openFiles()) - files).toBeLessThan(MOST_FILES_GROWTH);
    },
    Math.max(300_000, CALLS * 120),
  );
});

/** What a server says when it, and not the caller, is at fault, or when no answer came. */
const faults: readonly number[] = [
  status.UNKNOWN,
  status.INTERNAL,
  status.DATA_LOSS,
  status.UNIMPLEMENTED,
  status.UNAVAILABLE,
  status.DEADLINE_EXCEEDED,
];
