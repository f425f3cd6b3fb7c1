import type { Job } from '#contracts';
import { type CachedStatus, StatusCache } from '#status-cache';
import type { JobView } from './job-view.js';
import { JobStatuses } from './job-statuses.js';

const jobId = '0b0c7c5e-5f0e-4d4a-9a58-6f1c5f2f3c11';

const job: Job = {
  id: jobId,
  transcriptId: '6f2a0d4e-9c57-4a3b-8a5e-3f8f0f6f7d22',
  revision: 7,
  status: 'processing',
  progress: 40,
  stage: 'transcribing',
  message: 'Half way.',
  options: {
    engine: 'auto',
    task: 'transcribe',
    profile: 'balanced',
    enableDiarization: false,
    wordTimestamps: false,
    separateChannels: false,
    onUnsupported: 'refuse',
    allowFallback: true,
    priority: 5,
    tags: [],
  },
  filename: 'a.wav',
  media: { key: 'media/1', filename: 'a.wav', bytes: 1, sha256: '0'.repeat(64), mediaType: 'audio/wav' },
  attempts: 1,
  createdAt: new Date('2026-01-02T03:04:05Z'),
  stages: [],
};

/** The database's side of it; counts how often it is asked. */
class Rows {
  asked = 0;

  constructor(public job: Job | undefined) {}

  find(): Promise<Job | undefined> {
    this.asked += 1;
    return Promise.resolve(this.job);
  }

  counts(): Promise<{ segments: number; durationMs: number }> {
    return Promise.resolve({ segments: 3, durationMs: 5_000 });
  }
}

class LastStatus extends StatusCache<JobView> {
  readonly kept: CachedStatus<JobView>[] = [];

  constructor(override readonly keeps: boolean) {
    super();
  }

  override put(status: CachedStatus<JobView>): Promise<void> {
    if (this.keeps) this.kept.push(status);
    return Promise.resolve();
  }

  override get(id: string): Promise<CachedStatus<JobView> | undefined> {
    return Promise.resolve(this.kept.findLast(({ body }) => body.job_id === id));
  }

  override forget(): Promise<void> {
    return Promise.resolve();
  }

  override close(): Promise<void> {
    return Promise.resolve();
  }
}

describe('JobStatuses', () => {
  it('asks the database once and the cache from then on, however the id is written', async () => {
    const rows = new Rows(job);
    const statuses = new JobStatuses(rows, rows, new LastStatus(true));
    const first = await statuses.find(jobId);
    expect(first).toMatchObject({ job_id: jobId, status: 'processing', progress: 40 });
    expect(await statuses.find(jobId)).toEqual(first);
    expect(await statuses.find(jobId.toUpperCase())).toEqual(first);
    expect(rows.asked).toBe(1);
  });

  it('keeps what a completed job became, under the revision of its row', async () => {
    const rows = new Rows(undefined);
    const cache = new LastStatus(true);
    await new JobStatuses(rows, rows, cache).put({ ...job, status: 'completed', progress: 100, revision: 9 });
    expect(cache.kept).toMatchObject([
      { revision: 9, body: { status: 'completed', result: { segments_count: 3, duration: 5 } } },
    ]);
    expect(rows.asked).toBe(0);
  });

  it('reads the row anew after a change', async () => {
    const rows = new Rows(job);
    const cache = new LastStatus(true);
    const statuses = new JobStatuses(rows, rows, cache);
    await statuses.refresh(jobId);
    rows.job = { ...job, revision: 8, progress: 41 };
    await statuses.refresh(jobId);
    expect(cache.kept).toMatchObject([{ revision: 7 }, { revision: 8, body: { progress: 41 } }]);
  });

  it('knows nothing of a job that is gone', async () => {
    const rows = new Rows(undefined);
    const cache = new LastStatus(true);
    const statuses = new JobStatuses(rows, rows, cache);
    await statuses.refresh(jobId);
    expect(await statuses.find(jobId)).toBeUndefined();
    expect(cache.kept).toEqual([]);
  });

  it('costs the writers nothing where nothing is kept, and reads the database each time', async () => {
    const rows = new Rows(job);
    const statuses = new JobStatuses(rows, rows, new LastStatus(false));
    await statuses.put(job);
    await statuses.refresh(jobId);
    expect(rows.asked).toBe(0);
    expect(await statuses.find(jobId)).toMatchObject({ progress: 40 });
    rows.job = { ...job, progress: 50 };
    expect(await statuses.find(jobId)).toMatchObject({ progress: 50 });
  });
});
