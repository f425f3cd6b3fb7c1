import { type DynamicModule, Module } from '@nestjs/common';
import { CallReporter, RegistryWatcher, RemoteEngine } from '#engine-client';
import { TranscriptErasure } from '#erasure';
import { Evaluator } from '#evaluation';
import { createEventBus, EventBus } from '#events';
import { Announcer, JobStatuses, type JobView } from '#job-status';
import { createObjectStore, ObjectStore } from '#objects';
import { OutboundHttp } from '#outbound-http';
import {
  Database,
  ErasureRepository,
  JobLeaseRepository,
  JobLineRepository,
  JobRepository,
  ReconcileRepository,
  RemoteLeaseRepository,
  IdempotencyRepository,
  UploadRepository,
  RetentionRepository,
  TranscriptRepository,
  WebhookDeliveryRepository,
  WorkerRepository,
} from '#persistence';
import { createJobQueue, JobQueue } from '#queue';
import { ResultFiles } from '#result-files';
import type { ServiceContext } from '#service-host';
import { Metrics } from '#telemetry';
import { createStatusCache, StatusCache } from '#status-cache';
import { createTranscriptCache, TranscriptCache } from '#transcript-cache';
import { EngineDirectory } from './engine-directory.js';
import { JobConsumer } from './job-consumer.js';
import { JobPicker } from './job-picker.js';
import { JobRunner } from './job-runner.js';
import { JointRunner } from './joint-runner.js';
import { JointSummary } from './joint-summary.js';
import { Maintenance } from './maintenance.js';
import { MeasuredEngines } from './measured-engines.js';
import { MediaFetch } from './media-fetch.js';
import { UploadContent, UploadSweeper } from '#uploads';
import { IntakeSweeper } from './intake-sweeper.js';
import { MediaSweeper, type Swept } from './media-sweeper.js';
import { Presence } from './presence.js';
import { Reconciler } from './reconciler.js';
import { RemoteLoop } from './remote-loop.js';
import { RemoteRunner } from './remote-runner.js';
import { SpanRunner } from './span-runner.js';
import { SpanScheduler } from './span-scheduler.js';
import { WebhookDispatch } from './webhook-dispatch.js';
import { WebhookSender } from './webhook-sender.js';
import { WorkLoop } from './work-loop.js';
import { WorkerMetrics } from './worker-metrics.js';
import type { WorkerSettings } from './worker-settings.js';

/** All wiring of the worker on one page. */
@Module({})
export class WorkerModule {
  static with(context: ServiceContext, settings: WorkerSettings, workerId: string): DynamicModule {
    return {
      module: WorkerModule,
      providers: [...connections(context, settings), ...repositories(), ...work(context, settings, workerId)],
    };
  }
}

/** Whole recordings of a day that cannot be cut: a thread takes a minute for some hours. */
const comparisonLimits = { threads: 1, waiting: 64, deadlineMs: 600_000, cells: 20_000_000_000 };

type Providers = NonNullable<DynamicModule['providers']>;

function connections(context: ServiceContext, settings: WorkerSettings): Providers {
  const { config, logger } = context;
  const { redisUrl, jobTtlMs } = config;
  const databaseUrl = context.endpoint('database');
  return [
    { provide: Database, useFactory: () => new Database(databaseUrl, { applicationName: 'polyscribe-worker' }) },
    { provide: JobQueue, useFactory: () => createJobQueue({ databaseUrl, redisUrl, logger }) },
    { provide: EventBus, useFactory: () => createEventBus({ databaseUrl, redisUrl, jobTtlMs, logger }) },
    { provide: StatusCache, useFactory: () => createStatusCache<JobView>({ redisUrl, jobTtlMs, logger }) },
    { provide: TranscriptCache, useFactory: () => createTranscriptCache({ redisUrl, jobTtlMs, logger }) },
    {
      provide: ObjectStore,
      useFactory: () => createObjectStore({ config, logger, publicUrl: () => settings.webhooks.reportBase }),
    },
    { provide: OutboundHttp, useFactory: () => new OutboundHttp(config.outbound) },
    {
      provide: RegistryWatcher,
      useFactory: () => new RegistryWatcher({ address: context.endpoint('registry'), tls: config.innerTls, logger }),
    },
    {
      provide: CallReporter,
      useFactory: () => new CallReporter({ address: context.endpoint('registry'), tls: config.innerTls, logger }),
    },
    { provide: RemoteEngine, useFactory: () => new RemoteEngine(config.innerTls) },
    {
      provide: MeasuredEngines,
      inject: [RemoteEngine, CallReporter],
      useFactory: (remote: RemoteEngine, reporter: CallReporter) => new MeasuredEngines(remote, reporter),
    },
    {
      provide: EngineDirectory,
      inject: [RegistryWatcher],
      useFactory: (watcher: RegistryWatcher) => new EngineDirectory(watcher, settings.lastResortPause),
    },
  ];
}

function repositories(): Providers {
  return [
    WorkerRepository,
    ErasureRepository,
    JobLeaseRepository,
    JobLineRepository,
    JobRepository,
    ReconcileRepository,
    RemoteLeaseRepository,
    TranscriptRepository,
  ].map((repository) => ({
    provide: repository,
    inject: [Database],
    useFactory: (database: Database) => new repository(database),
  }));
}

function work(context: ServiceContext, settings: WorkerSettings, workerId: string): Providers {
  const { config, logger } = context;
  const { redisUrl } = config;
  return [
    { provide: WorkerMetrics, useFactory: () => new WorkerMetrics(context.metrics ?? new Metrics()) },
    {
      provide: SpanRunner,
      inject: [EngineDirectory, MeasuredEngines, WorkerMetrics],
      useFactory: (directory: EngineDirectory, engines: MeasuredEngines, metrics: WorkerMetrics) =>
        new SpanRunner(directory, engines, settings, metrics),
    },
    {
      provide: SpanScheduler,
      inject: [SpanRunner, EngineDirectory],
      useFactory: (spans: SpanRunner, directory: EngineDirectory) => new SpanScheduler(spans, directory, settings),
    },
    {
      provide: MediaFetch,
      inject: [OutboundHttp, ObjectStore, WorkerMetrics],
      useFactory: (outbound: OutboundHttp, objects: ObjectStore, metrics: WorkerMetrics) => {
        const { fetchTimeoutMs } = config.outbound;
        const limits = { fetchTimeoutMs, maxFileBytes: config.limits.maxFileBytes };
        return new MediaFetch(outbound, objects, limits, metrics);
      },
    },
    {
      provide: JointRunner,
      inject: [SpanScheduler],
      useFactory: (scheduler: SpanScheduler) =>
        new JointRunner(scheduler, new JointSummary(new Evaluator(comparisonLimits))),
    },
    {
      provide: JobRunner,
      inject: [ObjectStore, MediaFetch, SpanScheduler, JointRunner, EngineDirectory],
      useFactory: (
        objects: ObjectStore,
        mediaFetch: MediaFetch,
        scheduler: SpanScheduler,
        joint: JointRunner,
        directory: EngineDirectory,
      ) =>
        new JobRunner({
          ...{ objects, mediaFetch, scheduler, joint, directory },
          ...{ ffmpeg: config.ffmpeg, routing: settings.routing, hedges: settings.hedge },
        }),
    },
    {
      provide: JobStatuses,
      inject: [JobRepository, TranscriptRepository, StatusCache],
      useFactory: (jobs: JobRepository, transcripts: TranscriptRepository, cache: StatusCache<JobView>) =>
        new JobStatuses(jobs, transcripts, cache),
    },
    {
      provide: ResultFiles,
      inject: [TranscriptRepository, ObjectStore],
      useFactory: (transcripts: TranscriptRepository, objects: ObjectStore) => new ResultFiles(transcripts, objects),
    },
    {
      provide: Announcer,
      inject: [TranscriptRepository, ReconcileRepository, JobStatuses, EventBus, ResultFiles],
      useFactory: (
        transcripts: TranscriptRepository,
        ends: ReconcileRepository,
        statuses: JobStatuses,
        events: EventBus,
        files: ResultFiles,
      ) => new Announcer(transcripts, ends, statuses, events, files),
    },
    {
      provide: JobConsumer,
      inject: [JobLeaseRepository, JobRunner, Announcer, EventBus, JobStatuses, ObjectStore, WorkerMetrics],
      useFactory: (
        leases: JobLeaseRepository,
        runner: JobRunner,
        announcer: Announcer,
        events: EventBus,
        statuses: JobStatuses,
        objects: ObjectStore,
        metrics: WorkerMetrics,
      ) =>
        new JobConsumer({ workerId, leases, runner, announcer, events, statuses, objects, metrics, settings, logger }),
    },
    {
      provide: JobPicker,
      inject: [JobLineRepository, EngineDirectory, Announcer],
      useFactory: (lines: JobLineRepository, directory: EngineDirectory, announcer: Announcer) =>
        new JobPicker(lines, directory, announcer, workerId, settings),
    },
    {
      provide: WorkLoop,
      inject: [JobQueue, JobPicker, JobConsumer],
      useFactory: (queue: JobQueue, picker: JobPicker, jobs: JobConsumer) =>
        new WorkLoop(queue, picker, jobs, settings),
    },
    {
      provide: Presence,
      inject: [WorkerRepository],
      useFactory: (workers: WorkerRepository) => new Presence(workerId, workers, logger),
    },
    {
      provide: TranscriptErasure,
      inject: [ErasureRepository, ObjectStore, JobQueue, EventBus, StatusCache, TranscriptCache],
      useFactory: (
        rows: ErasureRepository,
        objects: ObjectStore,
        queue: JobQueue,
        events: EventBus,
        statuses: StatusCache<JobView>,
        copies: TranscriptCache,
      ) => {
        const metrics = context.metrics ?? new Metrics();
        return new TranscriptErasure({ rows, objects, queue, events, statuses, copies, metrics, logger });
      },
    },
    {
      provide: Reconciler,
      inject: [ReconcileRepository, JobQueue, Announcer, TranscriptErasure, EventBus, ObjectStore],
      useFactory: (
        rows: ReconcileRepository,
        queue: JobQueue,
        announcer: Announcer,
        erasure: TranscriptErasure,
        events: EventBus,
        objects: ObjectStore,
      ) => new Reconciler(rows, queue, announcer, erasure, events, objects, settings, logger),
    },
    {
      provide: RemoteLoop,
      inject: [
        ...[RemoteLeaseRepository, ObjectStore, MediaFetch, JobQueue],
        ...[Announcer, EventBus, JobStatuses, WorkerMetrics],
      ],
      useFactory: (
        leases: RemoteLeaseRepository,
        objects: ObjectStore,
        mediaFetch: MediaFetch,
        queue: JobQueue,
        ...[announcer, events, statuses, metrics]: [Announcer, EventBus, JobStatuses, WorkerMetrics]
      ) => {
        const { everyMs, offerMs } = settings.remote;
        const runner = new RemoteRunner({ objects, mediaFetch, leases, queue, ffmpeg: config.ffmpeg, offerMs });
        const parts = { workerId, leases, runner, announcer, events, statuses, objects, metrics, settings, logger };
        return new RemoteLoop(leases, new JobConsumer(parts), everyMs, logger);
      },
    },
    {
      provide: WebhookDispatch,
      inject: [
        ...[Database, JobRepository, TranscriptRepository, RemoteLeaseRepository],
        ...[ObjectStore, ResultFiles, OutboundHttp, WorkerMetrics],
      ],
      useFactory: (
        database: Database,
        jobs: JobRepository,
        transcripts: TranscriptRepository,
        offers: RemoteLeaseRepository,
        ...[objects, files, outbound, metrics]: [ObjectStore, ResultFiles, OutboundHttp, WorkerMetrics]
      ) => {
        const databaseUrl = context.endpoint('database');
        const queue = createJobQueue({ databaseUrl, redisUrl, logger, name: 'webhooks' });
        const deliveries = new WebhookDeliveryRepository(database);
        const { everyMs, ...rest } = settings.webhooks;
        const parts = {
          deliveries,
          jobs,
          transcripts,
          offers,
          objects,
          files,
          outbound,
          settings: rest,
          metrics,
          logger,
        };
        const sender = new WebhookSender(parts);
        return new WebhookDispatch(queue, deliveries, sender, everyMs, logger);
      },
    },
    {
      provide: Maintenance,
      inject: [Database, ObjectStore, WorkerMetrics],
      useFactory: (database: Database, objects: ObjectStore, metrics: WorkerMetrics) => {
        const queue = createJobQueue({
          databaseUrl: context.endpoint('database'),
          redisUrl,
          logger,
          name: 'maintenance',
        });
        const media = new MediaSweeper(new RetentionRepository(database), objects, settings, logger);
        const rows = new UploadRepository(database);
        const uploads = new UploadSweeper(rows, new UploadContent(objects, rows), objects, logger);
        const intake = new IntakeSweeper(new IdempotencyRepository(database), uploads);
        const sweep = async (signal: AbortSignal): Promise<Swept> => {
          metrics.uploadsRemoved(await intake.sweep(signal));
          return media.sweep(signal);
        };
        return new Maintenance(queue, { sweep }, settings, logger, (swept) => metrics.mediaRemoved(swept));
      },
    },
  ];
}
