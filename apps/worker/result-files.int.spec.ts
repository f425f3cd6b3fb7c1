import { randomUUID } from 'node:crypto';
import { text as textOf } from 'node:stream/consumers';
import { type Job, PolyscribeError, transcriptFormats } from '#contracts';
import { TranscriptErasure } from '#erasure';
import { formatTable } from '#formats';
import { ErasureRepository, JobLeaseRepository, RetentionRepository } from '#persistence';
import { resultFileLink } from '#result-files';
import { createLogger, Metrics } from '#telemetry';
import { segment, spanResult } from '../../libs/persistence/testing.js';
import { MediaSweeper } from './media-sweeper.js';
import { WorkerHarness } from './testing/worker-harness.js';

const logger = createLogger('test', 'silent');
const never = new AbortController().signal;

describe('the file that a job leaves', () => {
  let harness: WorkerHarness;

  beforeAll(async () => {
    harness = await WorkerHarness.start();
  });
  afterAll(() => harness.stop());

  /** A job as a worker leaves it that is killed between its end and the announcement. */
  async function completed(options: Partial<Job['options']>): Promise<Job> {
    const job = await harness.submit(Buffer.from('sound'), options);
    const leases = new JobLeaseRepository(harness.database);
    const claim = await leases.claim(job.id, randomUUID(), 60_000);
    if (!claim) throw new Error('not claimed');
    await leases.planSpans(claim.lease, [{ index: 0, startMs: 0, endMs: 2_000 }]);
    await leases.commitSpan(claim.lease, 0, spanResult([segment(0, 0, { text: 'hello' })]));
    const result = { language: 'en', durationMs: 2_000, engineUsed: 'local', model: 'base', warnings: [] } as const;
    await leases.complete(claim.lease, result);
    return harness.find(job);
  }

  async function keysOf({ transcriptId }: Job): Promise<string[]> {
    const keys: string[] = [];
    for await (const { key } of harness.objects.list(`results/${transcriptId}/`)) keys.push(key);
    return keys;
  }

  async function told(job: Job): Promise<boolean> {
    return (await harness.history(job)).some(({ type }) => type === 'completed');
  }

  it.each(transcriptFormats)('is the download as %s, and there when the end is told', async (format) => {
    const job = await completed({ resultFile: format });
    expect([await keysOf(job), await told(job), await resultFileLink(harness.objects, job)]).toEqual([
      [],
      false,
      undefined,
    ]);
    await harness.announcer().announce(job.id);
    expect(await told(job)).toBe(true);
    const key = `results/${job.transcriptId}/transcript.${format}`;
    expect(await keysOf(job)).toEqual([key]);
    const transcript = await harness.transcripts.findByJob(job.id);
    if (!transcript) throw new Error('no transcript');
    const content = await textOf(await harness.objects.get(key));
    expect(content).toBe(formatTable[format].render({ job, transcript }));
    expect(content).toContain('hello');
    expect(await resultFileLink(harness.objects, job)).toContain(`/${key}?`);
  });

  it('is none where nobody asked for it', async () => {
    const job = await completed({});
    await harness.announcer().announce(job.id);
    expect([await told(job), await keysOf(job)]).toEqual([true, []]);
  });

  it('is written again where a crash came before the announcement was noted, and told of once', async () => {
    const job = await completed({ resultFile: 'txt' });
    await harness.announcer().announce(job.id);
    await harness.database.query('UPDATE transcript_jobs SET announced = false WHERE job_id = $1', [job.id]);
    await harness.objects.delete(`results/${job.transcriptId}/transcript.txt`);
    await harness.announcer().announceAll(100);
    expect(await keysOf(job)).toHaveLength(1);
    expect((await harness.history(job)).filter(({ type }) => type === 'completed')).toHaveLength(1);
  });

  it('holds up the announcement while the store is away', async () => {
    const job = await completed({ resultFile: 'txt' });
    const other = await completed({});
    const away = Object.create(harness.objects, {
      put: { value: () => Promise.reject(new PolyscribeError('dependency_unavailable', 'The store is away.')) },
    }) as WorkerHarness['objects'];
    await expect(harness.announcer(away).announceAll(100)).rejects.toThrow('The store is away.');
    expect([await told(job), await told(other)]).toEqual([false, true]);
    await harness.announcer().announceAll(100);
    expect([await told(job), await keysOf(job)]).toMatchObject([true, { length: 1 }]);
  });

  it('is there for jobs that take the transcript of an earlier one', async () => {
    const first = await completed({ resultFile: 'txt', title: 'first' });
    const reused = await harness.jobs.create({
      id: randomUUID(),
      transcriptId: randomUUID(),
      options: { ...first.options, resultFile: 'srt', reuse: true },
      media: { key: 'media/again', filename: 'y.wav', bytes: 5, sha256: '0'.repeat(64), mediaType: 'audio/wav' },
    });
    expect(reused).toMatchObject({ status: 'completed' });
    await harness.announcer().announceAll(100);
    expect([await told(reused), await keysOf(reused)]).toMatchObject([true, { length: 1 }]);
  });

  it('stays when the media are swept, and goes when the transcript is erased', async () => {
    const job = await completed({ resultFile: 'vtt' });
    await harness.announcer().announce(job.id);
    await harness.database.query(`UPDATE transcript_jobs SET completed_at = now() - interval '2 hours'`);
    const limits = { mediaTtlMs: 3_600_000, orphanAgeMs: -3_600_000 };
    const retention = new RetentionRepository(harness.database);
    await new MediaSweeper(retention, harness.objects, limits, logger).sweep(never);
    expect(await harness.objects.stat(job.media?.key ?? '')).toBeUndefined();
    expect(await keysOf(job)).toHaveLength(1);

    const nothing = () => Promise.resolve();
    const erasure = new TranscriptErasure({
      rows: new ErasureRepository(harness.database),
      objects: harness.objects,
      queue: { remove: nothing },
      events: harness.events,
      statuses: { forget: nothing },
      copies: { forget: nothing },
      metrics: new Metrics(),
      logger,
    });
    expect(await erasure.pass({ transcriptId: job.transcriptId, jobId: job.id })).toBe(true);
    expect(await keysOf(job)).toEqual([]);
  });
});
