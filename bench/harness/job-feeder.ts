import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { loadConfig } from '#config';
import type { JobOptions, MediaObject } from '#contracts';
import { createObjectStore, type ObjectStore } from '#objects';
import { Database, JobRepository } from '#persistence';
import { createJobQueue, type JobQueue } from '#queue';
import { createLogger } from '#telemetry';
import type { BenchMesh } from './bench-mesh.js';

/** The end is read from the rows: looking more often would only be work for the database. */
const POLL_MS = 50;

const options: JobOptions = {
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

/** Accepts jobs as a gateway does, without the gateway: for what workers and engines cost by themselves. */
export class JobFeeder {
  private constructor(
    private readonly database: Database,
    private readonly queue: JobQueue,
    private readonly objects: ObjectStore,
  ) {}

  /** Whoever opens it closes it. */
  static async open(mesh: BenchMesh): Promise<JobFeeder> {
    const logger = createLogger('bench', 'silent');
    const config = loadConfig({ DATA_DIR: mesh.folder });
    const database = new Database(mesh.databaseUrl);
    await database.connect();
    const queue = createJobQueue({ databaseUrl: mesh.databaseUrl, redisUrl: mesh.redisUrl, logger });
    return new JobFeeder(database, queue, await createObjectStore({ config, logger }));
  }

  /** Puts a file into the object store, for any number of jobs. */
  async store(path: string, mediaType: string): Promise<MediaObject> {
    const key = `media/${randomUUID()}`;
    await this.objects.put(key, createReadStream(path));
    const { size } = await stat(path);
    return { key, filename: 'bench', bytes: size, sha256: createHash('sha256').update(key).digest('hex'), mediaType };
  }

  /** Writes a job and puts it into the queue. @returns its id */
  async submit(media: MediaObject): Promise<string> {
    const id = randomUUID();
    await new JobRepository(this.database).create({ id, transcriptId: randomUUID(), options, media });
    await this.queue.enqueue({ jobId: id, priority: options.priority });
    return id;
  }

  /** When the last of the jobs in the database was completed. @throws Error when one failed or it takes too long */
  async allCompleted(deadlineMs: number): Promise<number> {
    const end = Date.now() + deadlineMs;
    for (;;) {
      const [row] = await this.database.dataSource.query<
        { open: string; lost: string; last: Date | null }[]
      >(`SELECT count(*) FILTER (WHERE status IN ('queued', 'processing')) AS open,
                count(*) FILTER (WHERE status IN ('failed', 'cancelled')) AS lost,
                max(completed_at) AS last FROM transcript_jobs`);
      if (Number(row?.lost) > 0) throw new Error(`${String(row?.lost)} jobs did not complete.`);
      if (Number(row?.open) === 0) return row?.last?.getTime() ?? Number.NaN;
      if (Date.now() > end) throw new Error(`${String(row?.open)} jobs are not done in time.`);
      await delay(POLL_MS);
    }
  }

  async close(): Promise<void> {
    await this.queue.close();
    await this.objects.close();
    await this.database.close();
  }
}
