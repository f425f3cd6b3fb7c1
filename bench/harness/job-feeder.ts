import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { loadConfig } from '#config';
import { hasEnded, type JobOptions, type MediaObject } from '#contracts';
import { createObjectStore, type ObjectStore } from '#objects';
import { Database, JobRepository } from '#persistence';
import { createJobQueue, type JobQueue } from '#queue';
import { createLogger } from '#telemetry';
import { eventually } from '#testing';
import type { BenchMesh } from './bench-mesh.js';

/** The end is read from the rows: looking more often would only be work for the database. */
const POLL_MS = 50;

const unfinished = `FROM transcript_jobs WHERE status IN ('queued', 'processing')`;

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
  async submit(media: MediaObject, changes: Partial<JobOptions> = {}): Promise<string> {
    const id = randomUUID();
    const changed = { ...options, ...changes };
    await new JobRepository(this.database).create({ id, transcriptId: randomUUID(), options: changed, media });
    await this.queue.enqueue({ jobId: id, priority: options.priority });
    return id;
  }

  /** Cancels a job and waits until nobody works on it any more. */
  async cancel(jobId: string, deadlineMs: number): Promise<void> {
    const jobs = new JobRepository(this.database);
    await jobs.requestCancel(jobId);
    const hasStopped = async () => hasEnded((await jobs.find(jobId))?.status ?? 'cancelled');
    await eventually('the job to be cancelled', hasStopped, deadlineMs);
  }

  /** Until an engine works on the job. */
  async begun(jobId: string, deadlineMs: number): Promise<void> {
    const isRunning = async () => {
      const rows = await this.database.dataSource.query<unknown[]>(
        `SELECT 1 FROM transcript_spans s JOIN transcript_jobs j ON j.id = s.transcript_job_id
           WHERE j.job_id = $1 AND s.state = 'running'`,
        [jobId],
      );
      return rows.length > 0;
    };
    await eventually('an engine to work on the job', isRunning, deadlineMs);
  }

  /** When the last of the jobs in the database was completed. @throws Error when one failed or it takes too long */
  async allCompleted(deadlineMs: number): Promise<number> {
    const { dataSource } = this.database;
    const end = Date.now() + deadlineMs;
    // Answered by an index of unfinished jobs: counting all rows again and again would be work beside what is measured.
    while ((await dataSource.query<unknown[]>(`SELECT 1 ${unfinished} LIMIT 1`)).length > 0) {
      if (Date.now() > end) throw new Error('The jobs are not done in time.');
      await delay(POLL_MS);
    }
    const [row] = await dataSource.query<{ lost: string; last: Date | null }[]>(
      `SELECT count(*) FILTER (WHERE status <> 'completed') AS lost, max(completed_at) AS last FROM transcript_jobs`,
    );
    if (Number(row?.lost) > 0) throw new Error(`${String(row?.lost)} jobs did not complete.`);
    return row?.last?.getTime() ?? Number.NaN;
  }

  /** How often the job has been taken up, and how long the last worker took to do so. */
  async taken(jobId: string): Promise<{ readonly attempts: number; readonly afterMs: number | undefined }> {
    const rows = await this.database.dataSource.query<{ attempts: number; ms: number | null }[]>(
      `SELECT attempts, extract(epoch FROM started_at - created_at)::float8 * 1000 AS ms
         FROM transcript_jobs WHERE job_id = $1`,
      [jobId],
    );
    return { attempts: rows[0]?.attempts ?? 0, afterMs: rows[0]?.ms ?? undefined };
  }

  async close(): Promise<void> {
    await this.queue.close();
    await this.objects.close();
    await this.database.close();
  }
}
