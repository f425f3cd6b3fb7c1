import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { CallReporter, RegistryWatcher, RemoteEngine } from '#engine-client';
import { EventBus } from '#events';
import { ObjectStore } from '#objects';
import { Database } from '#persistence';
import { JobQueue } from '#queue';
import type { RunningService, ServiceContext } from '#service-host';
import { StatusCache } from '#status-cache';
import { TranscriptCache } from '#transcript-cache';
import { NestLogger } from '#telemetry';
import { EngineDirectory } from './engine-directory.js';
import { Maintenance } from './maintenance.js';
import { Presence } from './presence.js';
import { Reconciler } from './reconciler.js';
import { RemoteLoop } from './remote-loop.js';
import { WebhookDispatch } from './webhook-dispatch.js';
import { WorkLoop } from './work-loop.js';
import { WorkerModule } from './worker.module.js';
import { type WorkerSettings, workerSettings } from './worker-settings.js';

/** Starts a worker. One process may hold several. */
export async function startWorker(
  context: ServiceContext,
  settings: WorkerSettings = workerSettings(context.config),
): Promise<RunningService> {
  const workerId = `${hostname()}-${process.pid}-${randomUUID().slice(0, 8)}`;
  const logger = context.logger.child({ workerId });
  const app = await NestFactory.createApplicationContext(
    WorkerModule.with({ ...context, logger, endpoint: (name) => context.endpoint(name) }, settings, workerId),
    { logger: new NestLogger(logger), abortOnError: false },
  );
  try {
    await app.get(Database).connect();
  } catch (error) {
    await close(app);
    throw error;
  }
  const retain = app.get(RegistryWatcher).onChange((snapshot) => app.get(RemoteEngine).retain(snapshot));
  app.get(WorkLoop).start();
  app.get(Reconciler).start();
  app.get(Presence).start();
  app.get(Maintenance).start();
  app.get(WebhookDispatch).start();
  app.get(RemoteLoop).start();
  return {
    async stop() {
      await Promise.all([app.get(Reconciler).stop(), app.get(Presence).stop()]);
      await Promise.all([
        app.get(WorkLoop).stop(),
        app.get(Maintenance).stop(),
        app.get(WebhookDispatch).stop(settings.graceMs),
        app.get(RemoteLoop).stop(settings.graceMs),
      ]);
      retain();
      await close(app);
    },
  };
}

/** Closes what was opened, what others stand on last. One that fails to close must not leave the rest open. */
async function close(app: INestApplicationContext): Promise<void> {
  app.get(EngineDirectory).close();
  app.get(RemoteEngine).close();
  const closing = await Promise.allSettled([
    app.get(RegistryWatcher).close(),
    app.get(CallReporter).close(),
    app.get(JobQueue).close(),
    app.get(EventBus).close(),
    app.get(StatusCache).close(),
    app.get(TranscriptCache).close(),
    app.get(ObjectStore).close(),
  ]);
  await app.get(Database).close();
  await app.close();
  const failed = closing.find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
}
