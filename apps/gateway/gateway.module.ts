import { type DynamicModule, Module } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import type { Config } from '#config';
import { RegistryWatcher } from '#engine-client';
import { TranscriptErasure } from '#erasure';
import { Evaluator } from '#evaluation';
import { EventBus } from '#events';
import { Announcer, JobStatuses, type JobView } from '#job-status';
import { MediaIntake } from '#media-intake';
import { ObjectStore, type SignedLinks } from '#objects';
import { OutboundHttp } from '#outbound-http';
import {
  ContextRepository,
  Database,
  ErasureRepository,
  IdempotencyRepository,
  JobRepository,
  ReconcileRepository,
  RemoteReportRepository,
  JobLeaseRepository,
  TranscriptRepository,
  WebhookDeliveryRepository,
  WebhookEndpointRepository,
  WorkerRepository,
  UploadRepository,
} from '#persistence';
import { JobQueue } from '#queue';
import { ResultFiles } from '#result-files';
import type { StatusCache } from '#status-cache';
import { type Logger, Metrics } from '#telemetry';
import { TranscriptCache } from '#transcript-cache';
import { UploadContent } from '#uploads';
import type { ClientLimits } from './client-limits.js';
import { Contexts } from './contexts/contexts.service.js';
import { Evaluations } from './evaluation/evaluations.service.js';
import { ContextGrpcService } from './grpc/context-grpc.service.js';
import { JobGrpcService } from './grpc/job-grpc.service.js';
import { ContextsController } from './http/contexts.controller.js';
import { EvaluationsController } from './http/evaluations.controller.js';
import { JobsController } from './http/jobs.controller.js';
import { MediaController } from './http/media.controller.js';
import { GatewayMetrics } from './http/metrics.service.js';
import { OperationsController } from './http/operations.controller.js';
import { ProblemFilter } from './http/problem.filter.js';
import { StreamController } from './http/stream.controller.js';
import { SubmitController } from './http/submit.controller.js';
import { WebhooksController } from './http/webhooks.controller.js';
import { TranscriptsController } from './http/transcripts.controller.js';
import { UploadsController } from './http/uploads.controller.js';
import { EnginesController } from './engines/engines.controller.js';
import { EnginesQuery } from './engines/engines.service.js';
import { HealthQuery } from './jobs/health.service.js';
import { CancelJob } from './jobs/cancel-job.service.js';
import { EraseTranscript } from './jobs/erase-transcript.service.js';
import { JobHandOver } from './jobs/job-hand-over.service.js';
import { JobQueries } from './jobs/job-queries.service.js';
import { RetryJob } from './jobs/retry-job.service.js';
import { TranscriptQueries } from './jobs/transcript-queries.service.js';
import { WatchJob } from './jobs/watch-job.service.js';
import { RoutePreview } from './routing/route-preview.service.js';
import { DocumentationController } from './openapi/documentation.controller.js';
import { SubmissionMedia } from './submit/submission-media.service.js';
import { SubmissionRows } from './submit/submission-rows.service.js';
import { SubmitJob } from './submit/submit-job.service.js';
import { UnsettledMedia } from './submit/unsettled-media.service.js';
import { SubmitOptionsReader } from './submit/submit-options.service.js';
import { RemoteReports } from './webhooks/remote-reports.service.js';
import { Webhooks } from './webhooks/webhooks.service.js';
import { SubmittedUpload } from './submit/submitted-upload.service.js';
import { TusUploads } from './uploads/tus-uploads.service.js';
import { CLIENT_LIMITS, CONFIG, LOGGER, SIGNED_LINKS } from './tokens.js';

/** What the gateway stands on, opened and closed by its service definition. */
export interface GatewayResources {
  readonly config: Config;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly clientLimits: ClientLimits;
  readonly database: Database;
  readonly queue: JobQueue;
  readonly events: EventBus;
  readonly statusCache: StatusCache<JobView>;
  readonly transcriptCache: TranscriptCache;
  readonly objects: ObjectStore;
  readonly signedLinks: SignedLinks;
  readonly registry: RegistryWatcher;
}

/** Texts of about three hours on both sides; a thread takes seconds for them. */
const evaluationLimits = { threads: 1, waiting: 16, deadlineMs: 60_000, cells: 1_000_000_000 };

@Module({})
export class GatewayModule {
  static on(resources: GatewayResources): DynamicModule {
    const { database } = resources;
    const [jobs, transcripts] = [new JobRepository(database), new TranscriptRepository(database)];
    const [uploads, ends] = [new UploadRepository(database), new ReconcileRepository(database)];
    const statuses = new JobStatuses(jobs, transcripts, resources.statusCache);
    const uploadContent = new UploadContent(resources.objects, uploads);
    const { maxFileBytes } = resources.config.limits;
    const { maxOpen, maxOpenBytes } = resources.config.uploads;
    const room = { uploads: maxOpen, bytes: maxOpenBytes };
    const erasures = new ErasureRepository(database);
    return {
      module: GatewayModule,
      controllers: [
        SubmitController,
        StreamController,
        JobsController,
        EnginesController,
        TranscriptsController,
        UploadsController,
        ContextsController,
        EvaluationsController,
        WebhooksController,
        MediaController,
        OperationsController,
        DocumentationController,
      ],
      providers: [
        { provide: CONFIG, useValue: resources.config },
        { provide: Metrics, useValue: resources.metrics },
        { provide: CLIENT_LIMITS, useValue: resources.clientLimits },
        { provide: LOGGER, useValue: resources.logger },
        { provide: SIGNED_LINKS, useValue: resources.signedLinks },
        { provide: Database, useValue: database },
        { provide: JobRepository, useValue: jobs },
        { provide: IdempotencyRepository, useValue: new IdempotencyRepository(database) },
        { provide: ContextRepository, useValue: new ContextRepository(database) },
        { provide: TranscriptRepository, useValue: transcripts },
        { provide: TranscriptCache, useValue: resources.transcriptCache },
        { provide: WebhookEndpointRepository, useValue: new WebhookEndpointRepository(database) },
        { provide: JobLeaseRepository, useValue: new JobLeaseRepository(database) },
        { provide: RemoteReportRepository, useValue: new RemoteReportRepository(database) },
        { provide: WebhookDeliveryRepository, useValue: new WebhookDeliveryRepository(database) },
        { provide: JobStatuses, useValue: statuses },
        { provide: Announcer, useValue: announcerOn(resources, { transcripts, ends, statuses }) },
        { provide: JobQueue, useValue: resources.queue },
        { provide: EventBus, useValue: resources.events },
        { provide: ObjectStore, useValue: resources.objects },
        {
          provide: MediaIntake,
          useValue: new MediaIntake({
            objects: resources.objects,
            maxFileBytes,
            ffmpeg: resources.config.ffmpeg,
          }),
        },
        { provide: UploadRepository, useValue: uploads },
        { provide: UploadContent, useValue: uploadContent },
        { provide: TusUploads, useValue: new TusUploads(uploads, uploadContent, maxFileBytes, room) },
        { provide: OutboundHttp, useValue: new OutboundHttp(resources.config.outbound) },
        { provide: WorkerRepository, useValue: new WorkerRepository(database) },
        { provide: ErasureRepository, useValue: erasures },
        { provide: TranscriptErasure, useValue: erasureOn(resources, erasures) },
        { provide: RegistryWatcher, useValue: resources.registry },
        { provide: Evaluator, useValue: new Evaluator(evaluationLimits) },
        { provide: APP_FILTER, useClass: ProblemFilter },
        CancelJob,
        ContextGrpcService,
        Contexts,
        EnginesQuery,
        EraseTranscript,
        Evaluations,
        GatewayMetrics,
        HealthQuery,
        JobGrpcService,
        JobHandOver,
        JobQueries,
        RemoteReports,
        RetryJob,
        SubmissionMedia,
        RoutePreview,
        SubmissionRows,
        SubmittedUpload,
        SubmitJob,
        SubmitOptionsReader,
        TranscriptQueries,
        {
          provide: UnsettledMedia,
          inject: [JobRepository, MediaIntake, LOGGER],
          useFactory: (...parts: [JobRepository, MediaIntake, Logger]) => new UnsettledMedia(...parts),
        },
        WatchJob,
        Webhooks,
      ],
    };
  }
}

type AnnouncerRows = Readonly<{ transcripts: TranscriptRepository; ends: ReconcileRepository; statuses: JobStatuses }>;

function announcerOn({ events, objects }: GatewayResources, { transcripts, ends, statuses }: AnnouncerRows): Announcer {
  return new Announcer(transcripts, ends, statuses, events, new ResultFiles(transcripts, objects));
}

function erasureOn(resources: GatewayResources, rows: ErasureRepository): TranscriptErasure {
  const { objects, queue, events, statusCache: statuses, transcriptCache: copies, metrics, logger } = resources;
  return new TranscriptErasure({ rows, objects, queue, events, statuses, copies, metrics, logger });
}
