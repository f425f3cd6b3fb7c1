import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { bind } from '#config';
import { RegistryWatcher } from '#engine-client';
import { createEventBus } from '#events';
import { GrpcServer, hostAndPort, isWildcard } from '#grpc';
import type { JobView } from '#job-status';
import { createObjectStore, loadSignedLinks } from '#objects';
import { Database, WebhookEndpointRepository } from '#persistence';
import { jobV1 } from '#protos';
import { createJobQueue } from '#queue';
import type { RunningService, ServiceContext } from '#service-host';
import { createStatusCache } from '#status-cache';
import { Metrics, NestLogger } from '#telemetry';
import { createTranscriptCache } from '#transcript-cache';
import { type ClientLimits, clientLimits } from './client-limits.js';
import { GatewayModule, type GatewayResources } from './gateway.module.js';
import { ContextGrpcService } from './grpc/context-grpc.service.js';
import { JobGrpcService } from './grpc/job-grpc.service.js';
import { Connections } from './http/connections.js';
import { createFastifyAdapter } from './http/fastify-adapter.js';
import { GatewayMetrics } from './http/metrics.service.js';
import { logRequests } from './http/request-log.js';
import { legacyUseCases } from './legacy/legacy-use-cases.js';
import { registerLegacyRoutes } from './legacy/register-legacy-routes.js';
import { registerReportRoute } from './webhooks/register-report-route.js';
import { RemoteReports } from './webhooks/remote-reports.service.js';

/** How long uploads and calls in progress may go on when the gateway stops; both servers stop at the same time. */
const STOP_GRACE_MS = 4_000;

/** Opens what the gateway works with, then its two servers. */
export async function startGateway(
  context: ServiceContext,
  limits: ClientLimits = clientLimits,
): Promise<RunningService> {
  const { config, logger } = context;
  const stops: (() => Promise<void>)[] = [];
  const stop = async (): Promise<void> => {
    for (const step of stops.splice(0).toReversed()) await step();
  };
  try {
    let boundUrl = '';
    const publicUrl = (): string => config.http.publicUrl ?? boundUrl;
    const opened = await openResources(context, publicUrl, stops);
    const resources = { ...opened, clientLimits: limits, metrics: context.metrics ?? Metrics.ofProcess() };

    const adapter = createFastifyAdapter(config.limits.maxFileBytes, config.http);
    const app = await NestFactory.create<NestFastifyApplication>(GatewayModule.on(resources), adapter, {
      logger: new NestLogger(logger),
      bodyParser: false,
      abortOnError: false,
    });
    const connections = new Connections(adapter.getInstance().server);
    const grpcServer = new GrpcServer({ logger });
    stops.push(() => stopServers(grpcServer, app, connections));
    logRequests(adapter.getInstance(), logger, app.get(GatewayMetrics));
    registerLegacyRoutes(adapter.getInstance(), legacyUseCases(app), logger);
    registerReportRoute(adapter.getInstance(), {
      endpoints: app.get(WebhookEndpointRepository),
      reports: app.get(RemoteReports),
      logger,
    });
    const { host, port } = config.http;
    await bind({ host, port, portVariable: 'PORT' }, () => app.listen(port, host));
    boundUrl = urlOf(app, config.http.host);

    grpcServer.add(jobV1.JobServiceDefinition, app.get(JobGrpcService));
    grpcServer.add(jobV1.ContextServiceDefinition, app.get(ContextGrpcService));
    const grpcAddress = await bind({ ...config.grpc, portVariable: 'GRPC_PORT' }, () =>
      grpcServer.listen(config.grpc.host, config.grpc.port),
    );
    return { endpoints: { http: boundUrl, grpc: grpcAddress }, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function openResources(
  context: ServiceContext,
  publicUrl: () => string,
  stops: (() => Promise<void>)[],
): Promise<Omit<GatewayResources, 'clientLimits' | 'metrics'>> {
  const { config, logger } = context;
  const databaseUrl = context.endpoint('database');
  const database = new Database(databaseUrl, { applicationName: 'polyscribe-gateway' });
  stops.push(() => database.close());
  await database.connect();
  const { redisUrl, jobTtlMs } = config;
  const events = createEventBus({ databaseUrl, redisUrl, jobTtlMs, logger });
  stops.push(() => events.close());
  const queue = createJobQueue({ databaseUrl, redisUrl, logger });
  stops.push(() => queue.close());
  const statusCache = createStatusCache<JobView>({ redisUrl, jobTtlMs, logger });
  stops.push(() => statusCache.close());
  const transcriptCache = createTranscriptCache({ redisUrl, jobTtlMs, logger });
  stops.push(() => transcriptCache.close());
  const objects = await createObjectStore({ config, logger, publicUrl });
  stops.push(() => objects.close());
  const registry = new RegistryWatcher({ address: context.endpoint('registry'), tls: config.innerTls, logger });
  stops.push(() => registry.close());
  const signedLinks = await loadSignedLinks({ config, publicUrl });
  const stores = { database, events, queue, statusCache, transcriptCache, objects };
  return { ...stores, config, logger, registry, signedLinks };
}

async function stopServers(grpc: GrpcServer, app: NestFastifyApplication, connections: Connections): Promise<void> {
  const outcomes = await Promise.allSettled([grpc.stop(STOP_GRACE_MS), closeApplication(app, connections)]);
  const failed = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failed) throw failed.reason;
}

/** Ends event streams at once and gives uploads some time; what is then still open is cut. */
async function closeApplication(app: NestFastifyApplication, connections: Connections): Promise<void> {
  connections.drain();
  const cut = setTimeout(() => connections.cut(), STOP_GRACE_MS);
  try {
    await app.close();
  } finally {
    clearTimeout(cut);
  }
}

function urlOf(app: NestFastifyApplication, host: string): string {
  const address = app.getHttpServer().address();
  if (address === null || typeof address === 'string') throw new Error('The HTTP server has no port.');
  return `http://${hostAndPort(isWildcard(host) ? '127.0.0.1' : host, address.port)}`;
}
