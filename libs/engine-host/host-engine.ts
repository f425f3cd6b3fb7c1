import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { bind } from '#config';
import type { SpeechEngine } from '#contracts';
import { GrpcServer, addressList, hostAndPort, isWildcard } from '#grpc';
import { engineV1 } from '#protos';
import type { RunningService, ServiceContext } from '#service-host';
import { Metrics } from '#telemetry';
import { CallMetrics } from './call-metrics.js';
import { EngineGrpcService } from './engine-grpc.service.js';
import { Registration } from './registration.js';

/** Where engines and workers share a process the workers have stopped by then; elsewhere a worker tries another one. */
const STOP_GRACE_MS = 5_000;

/** Sixteen seconds of audio, two of the messages that workers send: what a call may hold that its engine has not asked for. */
const RECEIVE_WINDOW_BYTES = 512 * 1024;

export interface HostEngineOptions {
  readonly engine: SpeechEngine;
  /** Needs the endpoint `registry`. */
  readonly context: ServiceContext;
  /** How long a stop waits for running calls; 5 s unless told otherwise. */
  readonly stopGraceMs?: number;
  /** How long a client may send nothing; 60 s unless told otherwise. */
  readonly idleMs?: number;
  /** For the second and further engines of one app: added to ENGINE_PORT and to the port that is advertised. */
  readonly portOffset?: number;
}

export interface HostedEngine extends RunningService {
  /** Unique for each start. */
  readonly instanceId: string;
  /** host:port at which workers reach it. */
  readonly address: string;
}

/**
 * Serves a speech engine to the mesh: starts it, opens its gRPC server (with health and reflection), registers it and
 * keeps it registered, with every replica of the registry by itself. What the engine declares as `maxConcurrency` is held: more calls get `engine_busy` at once.
 *
 * @throws what `engine.start` throws, and ConfigError when it cannot listen where it is to
 */
export async function hostEngine(options: HostEngineOptions): Promise<HostedEngine> {
  const { engine } = options;
  await engine.start();
  try {
    return await serve(options);
  } catch (error) {
    await engine.stop();
    throw error;
  }
}

async function serve({ engine, context, ...options }: HostEngineOptions): Promise<HostedEngine> {
  const { config, logger } = context;
  const registrations: Registration[] = [];
  const instanceId = `${engine.describe().engine}-${randomUUID()}`;
  const service = new EngineGrpcService(
    engine,
    { callMs: config.limits.jobTimeoutMs, idleMs: options.idleMs ?? 60_000 },
    () => registrations.forEach((registration) => registration.changed()),
    new CallMetrics(context.metrics ?? new Metrics(), engine.describe().engine),
  );
  const server = new GrpcServer({ logger, tls: config.innerTls, receiveWindowBytes: RECEIVE_WINDOW_BYTES });
  server.add(engineV1.EngineServiceDefinition, service);
  const { host, port, advertiseAddress } = config.engine;
  const offset = port === 0 ? 0 : (context.enginePortOffset ?? 0) + (options.portOffset ?? 0);
  const bound = await bind({ host, port: port + offset, portVariable: 'ENGINE_PORT' }, () =>
    server.listen(host, port + offset),
  );
  const address = advertisedAddress(host, advertiseAddress && shifted(advertiseAddress, offset), bound);
  const report = () => ({ description: service.description, load: service.load });
  for (const registry of addressList(context.endpoint('registry'))) {
    registrations.push(new Registration({ registry, tls: config.innerTls, instanceId, address, report, logger }));
  }
  await Promise.all(registrations.map((registration) => registration.start()));
  logger.info({ instance: instanceId, address, engine: engine.describe().engine }, 'engine instance is up');

  let stopped: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    service.drain();
    await Promise.all(registrations.map((registration) => registration.stop()));
    await server.stop(options.stopGraceMs ?? STOP_GRACE_MS);
    await engine.stop();
  };
  return { instanceId, address, stop: () => (stopped ??= stop()) };
}

/** Bound to every address of the machine, it is reached by the machine's name. */
function advertisedAddress(host: string, configured: string | undefined, bound: string): string {
  if (configured !== undefined) return configured;
  if (!isWildcard(host)) return bound;
  return hostAndPort(hostname(), Number(bound.slice(bound.lastIndexOf(':') + 1)));
}

function shifted(address: string, offset: number): string {
  const colon = address.lastIndexOf(':');
  return `${address.slice(0, colon)}:${String(Number(address.slice(colon + 1)) + offset)}`;
}
