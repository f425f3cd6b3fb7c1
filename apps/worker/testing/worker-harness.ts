import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { FfmpegSettings } from '#audio';
import { loadConfig } from '#config';
import type { EngineInstance, Job, JobEvent, JobOptions } from '#contracts';
import { Evaluator } from '#evaluation';
import { createEventBus, type EventBus } from '#events';
import { Announcer, JobStatuses, type JobView } from '#job-status';
import { createObjectStore, type ObjectStore } from '#objects';
import { OutboundHttp } from '#outbound-http';
import { Database, JobLeaseRepository, JobRepository, ReconcileRepository, TranscriptRepository } from '#persistence';
import { ResultFiles } from '#result-files';
import { createStatusCache } from '#status-cache';
import { createLogger } from '#telemetry';
import { startTestDatabase } from '../../../libs/persistence/testing.js';
import { JobConsumer } from '../job-consumer.js';
import { JobRunner } from '../job-runner.js';
import { JointRunner } from '../joint-runner.js';
import { JointSummary } from '../joint-summary.js';
import { type FetchLimits, MediaFetch } from '../media-fetch.js';
import { SpanRunner } from '../span-runner.js';
import { SpanScheduler } from '../span-scheduler.js';
import type { WorkerSettings } from '../worker-settings.js';
import {
  directoryOf,
  FakeEngines,
  FakeRegistry,
  type Listener,
  optionsWith,
  quickSettings,
  type Script,
  unread,
} from './fakes.js';

export interface TestWorker {
  readonly consumer: JobConsumer;
  readonly engines: FakeEngines;
  readonly registry: FakeRegistry;
}

const comparisonLimits = { threads: 1, waiting: 8, deadlineMs: 60_000, cells: 1e9 };

/** A worker's own parts on a real database, event log, object store and ffmpeg; only the engines are made up. */
export class WorkerHarness {
  /** What the workers wrote into their logs: says why a job did not end as it should have. */
  readonly log: string[] = [];

  private constructor(
    readonly database: Database,
    readonly events: EventBus,
    readonly objects: ObjectStore,
    private readonly folder: string,
    private readonly stopDatabase: () => Promise<void>,
  ) {}

  static async start(): Promise<WorkerHarness> {
    const testDatabase = await startTestDatabase();
    const folder = await mkdtemp(join(tmpdir(), 'polyscribe-'));
    const logger = createLogger('test', 'silent');
    const database = new Database(testDatabase.url);
    await database.connect();
    return new WorkerHarness(
      database,
      createEventBus({ databaseUrl: testDatabase.url, logger }),
      await createObjectStore({
        config: loadConfig({ DATA_DIR: folder }),
        logger,
        publicUrl: () => 'https://speech.example',
      }),
      folder,
      () => testDatabase.stop(),
    );
  }

  get jobs(): JobRepository {
    return new JobRepository(this.database);
  }

  get transcripts(): TranscriptRepository {
    return new TranscriptRepository(this.database);
  }

  get statuses(): JobStatuses {
    const logger = createLogger('test', 'silent');
    return new JobStatuses(this.jobs, this.transcripts, createStatusCache<JobView>({ jobTtlMs: 60_000, logger }));
  }

  announcer(objects: ObjectStore = this.objects): Announcer {
    const ends = new ReconcileRepository(this.database);
    const files = new ResultFiles(this.transcripts, objects);
    return new Announcer(this.transcripts, ends, this.statuses, this.events, files);
  }

  worker(
    instances: readonly EngineInstance[],
    scripts: Readonly<Record<string, Script | Listener>>,
    changes: Partial<WorkerSettings> = {},
    events: Pick<EventBus, 'publish'> = this.events,
    ffmpeg: Partial<FfmpegSettings> = {},
  ): TestWorker {
    const settings = quickSettings(changes);
    const registry = new FakeRegistry(...instances);
    const engines = new FakeEngines(scripts);
    const directory = directoryOf(registry);
    const metrics = unread();
    const scheduler = new SpanScheduler(new SpanRunner(directory, engines, settings, metrics), directory, settings);
    const consumer = new JobConsumer({
      workerId: `worker-${randomUUID()}`,
      leases: new JobLeaseRepository(this.database),
      runner: new JobRunner({
        objects: this.objects,
        mediaFetch: this.mediaFetch(),
        scheduler,
        joint: new JointRunner(scheduler, new JointSummary(new Evaluator(comparisonLimits))),
        directory,
        ffmpeg: { ...loadConfig({}).ffmpeg, ...ffmpeg },
        routing: settings.routing,
        hedges: settings.hedge,
      }),
      announcer: this.announcer(),
      events,
      statuses: this.statuses,
      objects: this.objects,
      metrics,
      settings,
      logger: createLogger('test', 'info', { write: (line) => void this.log.push(line) }),
    });
    return { consumer, engines, registry };
  }

  /** A job in the state in which the gateway leaves it. */
  async submit(media: Buffer, options: Partial<JobOptions> = {}): Promise<Job> {
    const id = randomUUID();
    const key = `media/${id}`;
    await this.objects.put(key, Readable.from([media]));
    return this.jobs.create({
      id,
      transcriptId: randomUUID(),
      options: optionsWith(options),
      media: { key, filename: 'x.wav', bytes: media.length, sha256: '0'.repeat(64), mediaType: 'audio/wav' },
    });
  }

  /** The same for a recording that is still to be fetched. */
  submitUrl(url: string, options: Partial<JobOptions> = {}): Promise<Job> {
    return this.jobs.create({
      id: randomUUID(),
      transcriptId: randomUUID(),
      options: optionsWith(options),
      media: { url, filename: 'x.wav' },
    });
  }

  /** Fetches from this host, and from no other. */
  mediaFetch(limits: Partial<FetchLimits> = {}): MediaFetch {
    const outbound = new OutboundHttp({ allowedHosts: ['127.0.0.1'] });
    return new MediaFetch(
      outbound,
      this.objects,
      { maxFileBytes: 2_000_000, fetchTimeoutMs: 10_000, ...limits },
      unread(),
    );
  }

  /** A shell script that can stand in for a program. */
  async program(body: string): Promise<string> {
    const path = join(this.folder, randomUUID());
    await writeFile(path, `#!/bin/sh\n${body}\n`, { mode: 0o755 });
    return path;
  }

  async find(job: Job): Promise<Job> {
    const found = await this.jobs.find(job.id);
    if (!found) throw new Error('the job is gone');
    return found;
  }

  history(job: Job): Promise<readonly JobEvent[]> {
    return this.events.history(job.id, 0, 10_000);
  }

  async stop(): Promise<void> {
    await this.events.close();
    await this.objects.close();
    await this.database.close();
    await this.stopDatabase();
    await rm(this.folder, { recursive: true, force: true });
  }
}
