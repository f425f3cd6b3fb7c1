import { PolyscribeError } from '#contracts';
import { eventually } from '#testing';
import { Database } from '../database.js';
import { startTestDatabase, type TestDatabase } from '../testing.js';
import { newJob, segment, spanResult } from '../testing/new-job.js';
import { TranscriptRepository } from '../transcripts/transcript.repository.js';
import { ErasureRepository } from './erasure.repository.js';
import { type EndParts, JobLeaseRepository, type JobResult } from './job-lease.repository.js';
import { JobRepository } from './job.repository.js';
import type { Claim } from './lease.js';

const result: JobResult = { language: 'en', durationMs: 10_000, engineUsed: 'local', model: 'base', warnings: [] };
const events: EndParts['events'] = { sql: () => 'NULL::bigint', addition: {} };
const begun = { index: 0, engine: 'local' as const, instance: 'local-1' };
const span = { index: 0, startMs: 0, endMs: 1_000 };

describe('Statements that jobs of one moment share', () => {
  let server: TestDatabase;
  let database: Database;
  let jobs: JobRepository;
  let leases: JobLeaseRepository;

  beforeAll(async () => {
    server = await startTestDatabase();
    database = new Database(server.url);
    await database.connect();
    jobs = new JobRepository(database);
    leases = new JobLeaseRepository(database);
  });

  afterAll(async () => {
    await database.close();
    await server.stop();
  });

  /** In the order of their ids. */
  async function claimed(count: number): Promise<Claim[]> {
    const claims: Claim[] = [];
    for (let n = 0; n < count; n += 1) {
      const { id } = await jobs.create(newJob());
      const claim = await leases.claim(id, 'worker-1', 60_000);
      if (!claim) throw new Error('The job was not free.');
      await leases.planSpans(claim.lease, [span]);
      claims.push(claim);
    }
    return claims.toSorted((one, other) => (one.job.id < other.job.id ? -1 : 1));
  }

  async function ended({ lease }: Claim, text = 'text'): Promise<unknown> {
    const last = { index: 0, ...spanResult([segment(0, 0, { text })]) };
    return leases.completeWith(lease, result, { span: last, events });
  }

  async function waiting(count: number): Promise<void> {
    await eventually(`${String(count)} statements to wait`, async () => {
      const rows = await database.query(
        `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
      );
      return rows.length === count;
    });
  }

  /** Keeps others from the rows of these jobs while it does that, and changes them behind it. */
  async function locked(claims: readonly Claim[], meanwhile: () => Promise<void>, change = 'SELECT $1::uuid[]') {
    const ids = claims.map(({ job }) => job.id);
    await database.transaction(async ({ query }) => {
      await query('SELECT FROM transcript_jobs WHERE job_id = ANY($1::uuid[]) FOR UPDATE', [ids]);
      await meanwhile();
      await query(change, [ids]);
    });
  }

  async function statuses(claims: readonly Claim[]): Promise<(string | undefined)[]> {
    return Promise.all(claims.map(async ({ job }) => (await jobs.find(job.id))?.status));
  }

  function codes(outcomes: readonly PromiseSettledResult<unknown>[]): unknown[] {
    return outcomes.map((end) =>
      end.status === 'rejected' ? end.reason instanceof PolyscribeError && end.reason.code : end.value !== undefined,
    );
  }

  it.each([
    ['another worker has taken', 'UPDATE transcript_jobs SET lease_token = gen_random_uuid() WHERE job_id = ANY($1)'],
    [
      'was put back',
      `UPDATE transcript_jobs SET status = 'queued', lease_token = NULL, lease_until = NULL WHERE job_id = ANY($1)`,
    ],
    [
      'was erased',
      'DELETE FROM transcripts WHERE id IN (SELECT transcript_id FROM transcript_jobs WHERE job_id = ANY($1))',
    ],
  ])('leave out a job that %s while they wait for it', async (_what, change) => {
    const claims = await claimed(3);
    const before = await statuses(claims);
    let ends: Promise<unknown>[] = [];
    const meanwhile = async () => {
      ends = claims.map(async (claim) => ended(claim));
      await waiting(1);
      expect(await statuses(claims)).toEqual(before);
    };
    await locked(claims.slice(1, 2), meanwhile, change);
    expect(codes(await Promise.allSettled(ends))).toEqual([true, false, true]);
    const [first, other, last] = await statuses(claims);
    expect([first, last]).toEqual(['completed', 'completed']);
    expect(other).not.toBe('completed');
    const transcripts = new TranscriptRepository(database);
    expect((await transcripts.findByJob(claims[1]?.job.id ?? ''))?.segments ?? []).toEqual([]);
  });

  it('lock jobs in one order, however they came', async () => {
    const claims = await claimed(3);
    const others = new JobLeaseRepository(database);
    let plans: Promise<unknown>[] = [];
    await locked(claims.slice(1, 2), async () => {
      plans = [
        ...claims.map(async ({ lease }) => leases.planSpans(lease, [span], begun)),
        ...claims.toReversed().map(async ({ lease }) => others.planSpans(lease, [span], begun)),
      ];
      await waiting(2);
    });
    expect((await Promise.allSettled(plans)).map(({ status }) => status)).toEqual(Array(6).fill('fulfilled'));
  });

  it('let a job be erased whose end is just being written, and the others end', async () => {
    const claims = await claimed(2);
    const [erased] = claims;
    if (!erased) throw new Error('There is no job.');
    let ends: Promise<unknown>[] = [];
    let erasure: Promise<boolean> | undefined;
    await locked([erased], async () => {
      ends = claims.map(async (claim) => ended(claim));
      await waiting(1);
      erasure = new ErasureRepository(database).removeRows(erased.job.transcriptId);
      await waiting(2);
    });
    expect(codes(await Promise.allSettled(ends))).toEqual([true, true]);
    expect(await erasure).toBe(true);
    expect(await statuses(claims)).toEqual([undefined, 'completed']);
  });

  it('are tried for each by itself where one is refused', async () => {
    const claims = await claimed(3);
    const startsMs = [1, 1e12, 3];
    const plans = claims.map(async ({ lease }, n) => {
      await leases.planSpans(lease, [{ ...span, startMs: startsMs[n] ?? 0 }], begun);
      return true;
    });
    expect(codes(await Promise.allSettled(plans))).toEqual([true, 'internal', true]);
  });

  it('write what PostgreSQL cannot hold of one with marks in its place', async () => {
    const claims = await claimed(2);
    const text = 'a\u0000b\ud800';
    expect(codes(await Promise.allSettled(claims.map(async (claim) => ended(claim, text))))).toEqual([true, true]);
    const found = await new TranscriptRepository(database).findByJob(claims[0]?.job.id ?? '');
    expect(found?.segments.map((each) => each.text)).toEqual(['a\uFFFDb\uFFFD']);
  });

  it('fail for all with nothing written when the server goes away, and can be tried again', async () => {
    const claims = await claimed(3);
    let ends: Promise<unknown>[] = [];
    await locked(claims.slice(-1), async () => {
      ends = claims.map(async (claim) => ended(claim));
      await waiting(1);
      await database.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND wait_event_type = 'Lock'`,
      );
      expect(codes(await Promise.allSettled(ends))).toEqual(Array(3).fill('dependency_unavailable'));
    });
    expect(await statuses(claims)).toEqual(Array(3).fill('processing'));
    expect(codes(await Promise.allSettled(claims.map(async (claim) => ended(claim))))).toEqual([true, true, true]);
  });
});
