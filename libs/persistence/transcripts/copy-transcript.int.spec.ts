import { randomUUID } from 'node:crypto';
import type { JobOptions, MediaFacts } from '#contracts';
import {
  Database,
  ErasureRepository,
  JobLeaseRepository,
  JobRepository,
  type NewJob,
  ReconcileRepository,
  TranscriptRepository,
  WebhookDeliveryRepository,
} from '#persistence';
import { newJob, segment, spanResult, startTestDatabase, type TestDatabase } from '../testing.js';

const facts: MediaFacts = {
  container: 'mp3',
  durationMs: 2_000,
  audio: { codec: 'mp3', sampleRateHz: 8_000, channels: 1 },
};
const words = [{ text: 'text', startMs: 0, endMs: 400, speakerTag: 0 }];

describe('a transcript that is reused', () => {
  let postgres: TestDatabase;
  let database: Database;
  let jobs: JobRepository;
  let leases: JobLeaseRepository;
  let transcripts: TranscriptRepository;

  beforeAll(async () => {
    postgres = await startTestDatabase();
    database = new Database(postgres.url);
    await database.connect();
    jobs = new JobRepository(database);
    leases = new JobLeaseRepository(database);
    transcripts = new TranscriptRepository(database);
  });
  afterAll(async () => {
    await database.close();
    await postgres.stop();
  });

  function jobOf(sha256: string, options: Partial<JobOptions> = {}): NewJob {
    const job = newJob(options);
    return { ...job, media: { ...job.media, sha256 } };
  }

  async function claimed(job: NewJob) {
    await jobs.create(job);
    const claim = await leases.claim(job.id, 'w', 60_000);
    if (!claim) throw new Error('The job cannot be claimed.');
    return claim.lease;
  }

  /** A job that a worker took to its end. */
  async function worked(sha256: string, options: Partial<JobOptions> = {}, fallbackReason?: string): Promise<NewJob> {
    const job = jobOf(sha256, options);
    const lease = await claimed(job);
    await leases.recordFacts(lease, { media: facts });
    await leases.planSpans(lease, [{ index: 0, startMs: 0, endMs: 2_000, isWhole: true }]);
    await leases.commitSpan(lease, 0, spanResult([segment(0, 0, { speakerTag: 0, words }), segment(0, 1)]));
    await leases.complete(lease, {
      ...{ language: 'en', durationMs: 2_000, engineUsed: 'local', model: 'base', speakerRoles: { 0: 'patient' } },
      warnings: [{ code: 'w', message: 'As before.' }],
      ...(fallbackReason === undefined ? {} : { fallbackReason }),
    });
    return job;
  }

  const newSha = (): string => randomUUID().replaceAll('-', '').repeat(2);

  it('makes a completed job with a transcript of its own, whose end is still to be told', async () => {
    const sha = newSha();
    const first = await worked(sha, { title: 'First', enableDiarization: true });
    const callback = { url: 'https://a.example/', payload: 'thin', onError: true } as const;
    const again = jobOf(sha, { title: 'Again', enableDiarization: true, reuse: true, priority: 9, callback });
    const job = await jobs.create(again);
    expect(job).toMatchObject({ status: 'completed', progress: 100, reusedFrom: first.id, attempts: 0 });
    expect(job.media?.facts).toEqual(facts);
    expect(job.startedAt).toBeUndefined();
    expect(job.stages).toMatchObject([{ name: 'queued', seconds: expect.any(Number) as number }]);
    const [before, copy] = [await transcripts.findByJob(first.id), await transcripts.findByJob(again.id)];
    expect(copy).toEqual({ ...before, id: again.transcriptId, jobId: again.id });
    expect(copy?.segments[0]?.words).toEqual(words);
    expect(await new ReconcileRepository(database).unannouncedEnd(again.id)).toMatchObject({ attempt: 0 });
    const { deliveries } = await new WebhookDeliveryRepository(database).list({ jobId: again.id, limit: 10 });
    expect(deliveries).toMatchObject([{ event: 'job.completed' }]);
  });

  it('outlives the one that it was taken from, and the other way round', async () => {
    const sha = newSha();
    const first = await worked(sha);
    const second = jobOf(sha, { reuse: true });
    await jobs.create(second);
    const erasures = new ErasureRepository(database);
    await erasures.begin(first.transcriptId, 0);
    await erasures.removeRows(first.transcriptId);
    expect(await transcripts.findByJob(first.id)).toBeUndefined();
    expect((await transcripts.findByJob(second.id))?.segments).toHaveLength(2);
    const third = jobOf(sha, { reuse: true });
    expect(await jobs.create(third)).toMatchObject({ status: 'completed', reusedFrom: second.id });
    await erasures.begin(third.transcriptId, 0);
    await erasures.removeRows(third.transcriptId);
    expect((await transcripts.findByJob(second.id))?.segments).toHaveLength(2);
  });

  it.each<[string, (sha: string) => Promise<unknown>, Partial<JobOptions>]>([
    ['nobody allows it', worked, {}],
    ['the options decide another text', worked, { reuse: true, language: 'pt' }],
    ['the recording is another one', () => worked(newSha()), { reuse: true }],
    ['the earlier job has not completed', (sha) => jobs.create(jobOf(sha)), { reuse: true }],
    ['another engine had to help out', (sha) => worked(sha, {}, 'asr was away'), { reuse: true }],
    [
      'the earlier one is being erased',
      async (sha) => new ErasureRepository(database).begin((await worked(sha)).transcriptId, 60_000),
      { reuse: true },
    ],
  ])('is not taken where %s', async (_why, before, options) => {
    const sha = newSha();
    await before(sha);
    const job = await jobs.create(jobOf(sha, options));
    expect(job.status).toBe('queued');
    expect(job.reusedFrom).toBeUndefined();
  });

  it('is taken by a worker that has fetched the recording, once, whatever becomes of the worker', async () => {
    const sha = newSha();
    const first = await worked(sha);
    const again = { ...newJob({ reuse: true }), media: { url: 'https://a.example/a.mp3', filename: 'a.mp3' } };
    const lease = await claimed(again);
    expect(await leases.reuse(lease)).toBeUndefined();
    await leases.recordMedia(lease, { key: 'k', filename: 'a.mp3', bytes: 1, sha256: sha, mediaType: 'audio/mpeg' });
    const copied = await leases.reuse(lease);
    expect(copied).toMatchObject({
      language: 'en',
      durationMs: 2_000,
      engineUsed: 'local',
      speakerRoles: { 0: 'patient' },
    });
    await jobs.delete(first.id);
    expect(await leases.reuse(lease)).toEqual(copied);
    if (copied) await leases.complete(lease, copied);
    expect(await jobs.find(again.id)).toMatchObject({ status: 'completed', reusedFrom: first.id });
    expect((await transcripts.findByJob(again.id))?.segments).toHaveLength(2);
  });

  it('is not taken where work was begun', async () => {
    const sha = newSha();
    const lease = await claimed(jobOf(sha, { reuse: true }));
    await leases.planSpans(lease, [{ index: 0, startMs: 0, endMs: 1_000 }]);
    await worked(sha);
    expect(await leases.reuse(lease)).toBeUndefined();
  });

  it('is whole or not there when it is erased at the same moment', async () => {
    for (let round = 0; round < 10; round += 1) {
      const sha = newSha();
      const first = await worked(sha);
      const again = jobOf(sha, { reuse: true });
      const [job] = await Promise.all([jobs.create(again), jobs.delete(first.id)]);
      const copied = (await transcripts.findByJob(again.id))?.segments.length;
      expect([
        ['completed', 2],
        ['queued', undefined],
      ]).toContainEqual([job.status, copied]);
    }
  });
});
