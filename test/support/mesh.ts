import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { type Config, loadConfig } from '#config';
import type { Job, JobEvent, JobOptions, SpeechEngine } from '#contracts';
import { type HostedEngine, hostEngine } from '#engine-host';
import { createEventBus, type EventBus } from '#events';
import { createObjectStore, type ObjectStore } from '#objects';
import { Database, JobRepository, TranscriptRepository } from '#persistence';
import { createJobQueue, type JobQueue } from '#queue';
import type { EndpointName, RunningService, ServiceContext } from '#service-host';
import { createLogger, type Logger, Metrics } from '#telemetry';
import { startGateway } from '../../apps/gateway/start-gateway.js';
import { startEngineRegistry } from '../../apps/engine-registry/start-engine-registry.js';
import { startWorker } from '../../apps/worker/start-worker.js';
import { type WorkerSettings, workerSettings } from '../../apps/worker/worker-settings.js';
import { startTestDatabase } from '../../libs/persistence/testing.js';

const workerMain = fileURLToPath(new URL('../../apps/worker/main.js', import.meta.url));

/** A worker in a process of its own. */
export interface WorkerProcess {
  readonly child: ChildProcess;
  /** Resolves with the exit code, or the signal that ended it. */
  readonly exited: Promise<number | NodeJS.Signals | null>;
}

/**
 * A mesh: database, queue, events, objects and registry are the real ones; engines, workers and a gateway are added by the
 * test. What was started is stopped by `stop`.
 */
export class TestMesh {
  /** Of all that runs in this process. */
  readonly metrics = new Metrics();
  private readonly running: { stop(): Promise<void> }[] = [];

  private constructor(
    readonly config: Config,
    readonly databaseUrl: string,
    readonly registryUrl: string,
    readonly database: Database,
    readonly queue: JobQueue,
    readonly events: EventBus,
    readonly objects: ObjectStore,
    private readonly logger: Logger,
    private readonly settings: Readonly<Record<string, string>>,
    private readonly stopBase: () => Promise<void>,
  ) {}

  /**
   * @param registryUrl of registries that the test runs itself; the mesh starts one of its own unless given
   * @param settings environment of all that runs in it
   */
  static async start(registryUrl?: string, settings: Readonly<Record<string, string>> = {}): Promise<TestMesh> {
    const logger = createLogger('test', 'silent');
    const testDatabase = await startTestDatabase();
    const folder = await mkdtemp(join(tmpdir(), 'polyscribe-'));
    const ports = { ENGINE_REGISTRY_PORT: '0', PORT: '0', GRPC_PORT: '0' };
    const config = loadConfig({ DATA_DIR: folder, ...ports, ...settings });
    const registry = registryUrl === undefined ? await startEngineRegistry({ config, logger }) : undefined;
    const database = new Database(testDatabase.url);
    await database.connect();
    const bus = { databaseUrl: testDatabase.url, logger };
    return new TestMesh(
      config,
      testDatabase.url,
      registryUrl ?? registry?.endpoints?.registry ?? '',
      database,
      createJobQueue(bus),
      createEventBus(bus),
      await createObjectStore({ config, logger }),
      logger,
      settings,
      async () => {
        await registry?.stop();
        await testDatabase.stop();
        await rm(folder, { recursive: true, force: true });
      },
    );
  }

  get jobs(): JobRepository {
    return new JobRepository(this.database);
  }

  get transcripts(): TranscriptRepository {
    return new TranscriptRepository(this.database);
  }

  /** Serves an engine over gRPC and registers it, with the mesh's registries unless told otherwise. */
  async host(engine: SpeechEngine, registryUrl = this.registryUrl): Promise<HostedEngine> {
    return this.keep(await hostEngine({ engine, context: this.context(registryUrl), stopGraceMs: 0 }));
  }

  /** A gateway in this process; gives its address for HTTP. */
  async serve(): Promise<string> {
    const gateway = this.keep(await startGateway(this.context()));
    return gateway.endpoints?.http ?? '';
  }

  /** A worker in this process. */
  async work(changes: Partial<WorkerSettings> = {}): Promise<RunningService> {
    return this.keep(await startWorker(this.context(), { ...workerSettings(this.config), ...changes }));
  }

  /** A worker in a process of its own, as it is deployed. */
  spawnWorker(): WorkerProcess {
    const child = spawn(process.execPath, [workerMain], {
      stdio: 'ignore',
      env: {
        ...this.settings,
        PATH: process.env['PATH'],
        DATA_DIR: this.config.dataDir,
        DATABASE_URL: this.databaseUrl,
        ENGINE_REGISTRY_URL: this.registryUrl,
      },
    });
    const exited = new Promise<number | NodeJS.Signals | null>((resolve) => {
      child.once('exit', (code, signal) => resolve(code ?? signal));
    });
    this.running.push({
      stop: async () => {
        child.kill('SIGKILL');
        await exited;
      },
    });
    return { child, exited };
  }

  /** Accepts a file as the gateway does. */
  async submit(media: Buffer, options: Partial<JobOptions> = {}): Promise<Job> {
    const id = randomUUID();
    const key = `media/${id}`;
    await this.objects.put(key, Readable.from([media]));
    const job = await this.jobs.create({
      id,
      transcriptId: randomUUID(),
      options: { ...defaultOptions, ...options },
      media: { key, filename: 'x.wav', bytes: media.length, sha256: '0'.repeat(64), mediaType: 'audio/wav' },
    });
    await this.queue.enqueue({ jobId: id, priority: job.options.priority });
    return job;
  }

  async find(job: Job): Promise<Job> {
    const found = await this.jobs.find(job.id);
    if (!found) throw new Error('the job is gone');
    return found;
  }

  history(job: Job): Promise<readonly JobEvent[]> {
    return this.events.history(job.id, 0, 10_000);
  }

  async texts(job: Job): Promise<string[] | undefined> {
    return (await this.transcripts.findByJob(job.id))?.segments.map(({ text }) => text);
  }

  async stop(): Promise<void> {
    for (const service of this.running.toReversed()) await service.stop();
    await this.queue.close();
    await this.events.close();
    await this.objects.close();
    await this.database.close();
    await this.stopBase();
  }

  private keep<T extends { stop(): Promise<void> }>(service: T): T {
    this.running.push(service);
    return service;
  }

  private context(registry = this.registryUrl): ServiceContext {
    const endpoints: Partial<Record<EndpointName, string>> = { database: this.databaseUrl, registry };
    const { config, logger, metrics } = this;
    return { config, logger, metrics, endpoint: (name) => endpoints[name] ?? '' };
  }
}

const defaultOptions: JobOptions = {
  engine: 'auto',
  language: 'en',
  task: 'transcribe',
  profile: 'balanced',
  enableDiarization: false,
  wordTimestamps: false,
  separateChannels: false,
  onUnsupported: 'refuse',
  allowFallback: true,
  priority: 5,
  tags: [],
};
