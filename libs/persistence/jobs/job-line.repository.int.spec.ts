import type { JobOptions } from '#contracts';
import { describeContract } from '#testing';
import { Database } from '../database.js';
import { startTestDatabase, type TestDatabase } from '../testing.js';
import { newJob } from '../testing/new-job.js';
import { fairOrderRules, type JobTaker } from './fair-order.contract.js';
import { JobLeaseRepository } from './job-lease.repository.js';
import { JobLineRepository, type Taken } from './job-line.repository.js';
import { JobRepository } from './job.repository.js';

const LEASE_MS = 60_000;
const MANY = 20_000;

let server: TestDatabase;
let database: Database;
let jobs: JobRepository;
let leases: JobLeaseRepository;
let lines: JobLineRepository;

async function open(): Promise<void> {
  server = await startTestDatabase();
  database = new Database(server.url);
  await database.connect();
  jobs = new JobRepository(database);
  leases = new JobLeaseRepository(database);
  lines = new JobLineRepository(database);
}

async function close(): Promise<void> {
  await database.close();
  await server.stop();
}

async function takeNext(wanted: (demand: string) => boolean = () => true): Promise<Taken | undefined> {
  for (const patience of [false, true]) {
    for (const head of await lines.heads()) {
      const taken = wanted(head.demand) ? await lines.take(head, 'worker', LEASE_MS, patience) : undefined;
      if (taken) return taken;
    }
  }
  return undefined;
}

/** The same in one step where that can be, as workers do. */
function quickTaker(): () => Promise<Taken | undefined> {
  let latest: string | undefined;
  return async () => {
    const [quick] = latest === undefined ? [] : await lines.takeNext(latest, 'worker', LEASE_MS, 1);
    return quick ?? takeNext((demand) => ((latest = demand), true));
  };
}

function jobIdOf(taken: Taken | undefined): string | undefined {
  return taken && ('claim' in taken ? taken.claim.job.id : taken.endedJobId);
}

async function add(options: Partial<JobOptions> = {}): Promise<string> {
  return (await jobs.create(newJob(options))).id;
}

/** Jobs that are due already, as many as are asked for in one statement. */
async function fill(count: number, session: string, options = `'{"engine": "auto"}'`): Promise<void> {
  await database.query(
    `WITH numbers AS MATERIALIZED (SELECT gen_random_uuid() AS transcript, n FROM generate_series(1, $1::integer) AS n),
       made AS (INSERT INTO transcripts (id) SELECT transcript FROM numbers)
     INSERT INTO transcript_jobs (job_id, transcript_id, engine, engine_params, session_id, priority, media_filename,
       media_key, not_before)
     SELECT gen_random_uuid(), transcript, 'auto', ${options}, ${session}, 5, 'x.wav', 'x',
       now() - (($1 - n) || ' ms')::interval FROM numbers`,
    [count],
  );
  await database.query('ANALYZE transcript_jobs, job_lines');
}

describeContract('JobLineRepository', fairOrderRules, async () => {
  await open();
  const taker: JobTaker = {
    add: (owner, priority = 5) => add({ sessionId: owner, priority }),
    take: async () => jobIdOf(await takeNext()),
  };
  return { open: () => taker, dispose: close };
});

describeContract('JobLineRepository, in one step', fairOrderRules, async () => {
  await open();
  const take = quickTaker();
  const taker: JobTaker = {
    add: (owner, priority = 5) => add({ sessionId: owner, priority }),
    take: async () => jobIdOf(await take()),
  };
  return { open: () => taker, dispose: close };
});

describe('JobLineRepository', () => {
  beforeEach(open);
  afterEach(close);

  it('holds the turns of owners across workers that take at the same time', async () => {
    const batch: string[] = [];
    for (let n = 0; n < 20; n += 1) batch.push(await add({ sessionId: 'batch' }));
    await takeNext();
    const single = await add({ sessionId: 'single' });
    const taken = await Promise.all(Array.from({ length: 4 }, () => takeNext()));
    const ids = taken.map(jobIdOf);
    expect(new Set(ids).size).toBe(4);
    expect(ids).toContain(single);
  });

  it('gives no job to two workers', async () => {
    const all: string[] = [];
    for (let n = 0; n < 30; n += 1) all.push(await add({ sessionId: `owner ${n % 3}` }));
    const taken: (string | undefined)[] = [];
    const worker = async () => {
      for (let next = await takeNext(); next; next = await takeNext()) taken.push(jobIdOf(next));
    };
    await Promise.all([worker(), worker(), worker(), worker()]);
    expect(taken.toSorted()).toEqual(all.toSorted());
  });

  it('tells demands apart by what decides who can serve, and by nothing else', async () => {
    await add({ engine: 'asr', tags: ['a'], title: 'one', sessionId: 's', metadata: { n: 1 } });
    await add({ engine: 'asr', tags: ['b'], dbId: '7' });
    await add({ engine: 'asr', language: 'de' });
    const heads = await lines.heads();
    expect(new Set(heads.map(({ demand }) => demand)).size).toBe(2);
    const samples = await Promise.all(heads.map(({ demand }) => lines.sampleOf(demand)));
    expect(samples.map((sample) => sample?.language).toSorted()).toEqual(['de', undefined]);
  });

  it('gives the jobs of an owner with very many demands lines of their own up to a limit, and one for the rest', async () => {
    await fill(200, `'batch'`, "jsonb_build_object('engine', 'auto', 'model', n)");
    const heads = await lines.heads();
    expect(heads).toHaveLength(65);
    expect(heads.filter(({ isMixed }) => isMixed)).toHaveLength(1);
    const taken = new Set<string | undefined>();
    for (let n = 0; n < 200; n += 1) taken.add(jobIdOf(await takeNext()));
    expect(taken.size).toBe(200);
    expect(await takeNext()).toBeUndefined();
  }, 120_000);

  it('shows a bounded number of demands at a look, and all of them in turn', async () => {
    await fill(600, `'session ' || n`, "jsonb_build_object('engine', 'auto', 'model', n)");
    const seen = new Set<string>();
    for (let look = 0; look < 3; look += 1) {
      const heads = await lines.heads();
      expect(heads.length).toBeLessThanOrEqual(256);
      for (const { demand } of heads) seen.add(demand);
    }
    expect(seen.size).toBe(600);
  });

  it('finds what is due behind any number of demands that are not', async () => {
    await fill(300, `'session ' || n`, "jsonb_build_object('engine', 'auto', 'model', n)");
    await database.query(`UPDATE transcript_jobs SET not_before = now() + interval '1 hour'`);
    await database.query(`UPDATE job_lines SET ready_at = now() + interval '1 hour'`);
    expect(await takeNext()).toBeUndefined();
    const id = await add({ sessionId: 'other' });
    expect(jobIdOf(await takeNext())).toBe(id);
  });

  it('takes a job for one engine past any number for another', async () => {
    for (let n = 0; n < 5; n += 1) await add({ engine: 'asr', priority: 9 });
    const asr = (await lines.heads())[0]?.demand;
    const other = await add({ engine: 'local', priority: 0 });
    expect(jobIdOf(await takeNext((demand) => demand !== asr))).toBe(other);
    expect(await takeNext((demand) => demand !== asr)).toBeUndefined();
  });

  it('leaves a job that is put back until it is due, and takes it then', async () => {
    const id = await add();
    const taken = await takeNext();
    if (!taken || !('claim' in taken)) throw new Error('not taken');
    await leases.giveBack(taken.claim.lease, { afterMs: 60_000, countAttempt: true });
    expect(await lines.heads()).toEqual([]);
    await database.query(`UPDATE transcript_jobs SET not_before = now() WHERE status = 'queued'`);
    expect(jobIdOf(await takeNext())).toBe(id);
  });

  it('takes a retried job, one whose worker is gone, and none that was cancelled or deleted', async () => {
    const [lost, cancelled, deleted, retried] = [await add(), await add(), await add(), await add()];
    await leases.claim(lost, 'gone', -1);
    for (const id of [cancelled, retried]) await jobs.requestCancel(id);
    await jobs.delete(deleted);
    await jobs.retry(retried);
    expect([jobIdOf(await takeNext()), jobIdOf(await takeNext())]).toEqual([lost, retried]);
    expect(await takeNext()).toBeUndefined();
    expect(await database.query('SELECT FROM job_lines')).toEqual([]);
  });

  it('ends a job that has used up its attempts and says which', async () => {
    const id = await add();
    await database.query('UPDATE transcript_jobs SET attempts = 4, max_retries = 3');
    expect(await takeNext()).toEqual({ endedJobId: id });
    expect(await jobs.find(id)).toMatchObject({ status: 'failed' });
    expect(await takeNext()).toBeUndefined();
  });

  it('waits with patience for a line that a submission holds, and without goes past it', async () => {
    const first = await add();
    const [head] = await lines.heads();
    if (!head) throw new Error('no head');
    let letGo: (() => void) | undefined;
    const submission = database.transaction(async ({ query }) => {
      await query('SELECT FROM job_lines FOR UPDATE');
      await new Promise<void>((resolve) => (letGo = resolve));
    });
    while (!letGo) await new Promise((resolve) => setImmediate(resolve));
    expect(await lines.take(head, 'worker', LEASE_MS, false)).toBeUndefined();
    const waiting = lines.take(head, 'worker', LEASE_MS, true);
    letGo();
    await submission;
    expect(jobIdOf(await waiting)).toBe(first);
  });

  it('takes a job in one step only where it is the best of all and nothing has to be judged', async () => {
    const take = async (demand: string) => jobIdOf((await lines.takeNext(demand, 'worker', LEASE_MS, 3))[0]);
    await add({ engine: 'asr' });
    const asr = (await lines.heads())[0]?.demand ?? '';
    const first = await add({ engine: 'local', priority: 6 });
    const local = (await lines.heads())[0]?.demand ?? '';
    expect(await take(asr)).toBeUndefined();
    expect(await take(local)).toBe(first);
    const lost = await add({ engine: 'local', priority: 5 });
    await leases.claim(lost, 'gone', -1);
    expect(await take(asr)).toBeUndefined();
    await leases.claim(lost, 'other', LEASE_MS);
    await database.query('UPDATE job_lines SET is_mixed = true');
    expect(await take(asr)).toBeUndefined();
    await database.query('UPDATE job_lines SET is_mixed = false');
    await database.query(`UPDATE transcript_jobs SET attempts = 4, max_retries = 3 WHERE status = 'queued'`);
    const [spent] = await database.query<{ id: string }>(
      `SELECT job_id AS id FROM transcript_jobs WHERE status = 'queued'`,
    );
    expect(await take(asr)).toBe(spent?.id);
    expect(await jobs.find(spent?.id ?? '')).toMatchObject({ status: 'failed' });
    expect(await take(asr)).toBeUndefined();
  });

  it('takes for several places in one step what it would take one by one', async () => {
    const a = [await add({ sessionId: 'a' }), await add({ sessionId: 'a' }), await add({ sessionId: 'a' })];
    const b = [await add({ sessionId: 'b' }), await add({ sessionId: 'b' })];
    const urgent = await add({ sessionId: 'a', priority: 9 });
    const [head] = await lines.heads();
    const take = async (places: number) =>
      (await lines.takeNext(head?.demand ?? '', 'w', LEASE_MS, places)).map(jobIdOf);
    expect(await take(3)).toEqual([urgent, a[0], b[0]]);
    expect(await take(9)).toEqual([a[1], b[1], a[2]]);
    expect(await take(9)).toEqual([]);
    const tokens = await database.query<{ tokens: number }>(
      'SELECT count(DISTINCT lease_token)::integer AS tokens FROM transcript_jobs',
    );
    expect(tokens).toEqual([{ tokens: 6 }]);
  });

  it('gives several that workers took in one step and died before they heard of it to others, once each', async () => {
    const ids: string[] = [];
    for (let n = 0; n < 12; n += 1) ids.push(await add({ sessionId: String(n % 4) }));
    const demand = (await lines.heads())[0]?.demand ?? '';
    const takes = Array.from({ length: 4 }, async () => lines.takeNext(demand, 'dead', -1, 3));
    const taken = (await Promise.all(takes)).flat().map(jobIdOf);
    expect(new Set(taken).size).toBe(taken.length);
    const again: (string | undefined)[] = [];
    while (again.length < ids.length) again.push(jobIdOf(await takeNext()));
    expect(again.toSorted()).toEqual(ids.toSorted());
    const rows = await database.query<{ job: string; attempts: number }>(
      `SELECT job_id AS job, attempts FROM transcript_jobs WHERE worker_id = 'worker'`,
    );
    expect(rows).toHaveLength(12);
    for (const { job, attempts } of rows) expect(attempts).toBe(taken.includes(job) ? 2 : 1);
  });

  it('takes none behind a job that is to end instead', async () => {
    const [first, spent, behind] = [await add(), await add(), await add()];
    await database.query('UPDATE transcript_jobs SET attempts = 4, max_retries = 3 WHERE job_id = $1', [spent]);
    const [head] = await lines.heads();
    const take = async () => (await lines.takeNext(head?.demand ?? '', 'w', LEASE_MS, 3)).map(jobIdOf);
    expect(await take()).toEqual([first, spent]);
    expect(await jobs.find(spent)).toMatchObject({ status: 'failed' });
    expect(await jobs.find(behind)).toMatchObject({ status: 'queued' });
    expect(await take()).toEqual([behind]);
  });

  it('goes on while a process of a later version adds a column and mends a function', async () => {
    const one = new Database(server.url, { poolSize: 1 });
    await one.connect();
    const own = new JobLineRepository(one);
    const ids = [await add(), await add(), await add(), await add()];
    const taken: (string | undefined)[] = [];
    for (const column of ['a', 'b']) {
      const [head] = await own.heads();
      taken.push(head && jobIdOf(await own.take(head, 'worker', LEASE_MS, true)));
      taken.push(...(await own.takeNext(head?.demand ?? '', 'worker', LEASE_MS, 1)).map(jobIdOf));
      await one.query(`ALTER TABLE transcript_jobs ADD COLUMN later_${column} text`);
      for (const name of ['take_from_job_line', 'take_next_job', 'take_next_jobs']) {
        await one.query(`ALTER FUNCTION ${name} COST 50`);
      }
    }
    expect(taken).toEqual(ids);
    await one.close();
  });

  it('goes past a line whose only job is just being cancelled', async () => {
    const first = await add({ sessionId: 'first' });
    const second = await add({ sessionId: 'second' });
    const [head] = await lines.heads();
    if (!head) throw new Error('no head');
    let letGo: (() => void) | undefined;
    const cancel = database.transaction(async ({ query }) => {
      await query('SELECT FROM transcript_jobs WHERE job_id = $1 FOR UPDATE', [first]);
      await new Promise<void>((resolve) => (letGo = resolve));
    });
    while (!letGo) await new Promise((resolve) => setImmediate(resolve));
    expect(jobIdOf(await lines.take(head, 'worker', LEASE_MS, false))).toBe(second);
    expect(await lines.take(head, 'worker', LEASE_MS, true)).toBeUndefined();
    letGo();
    await cancel;
    expect(jobIdOf(await takeNext())).toBe(first);
  });

  it.each([
    ['one owner', `'batch'`],
    ['an owner each', `'session ' || n`],
  ])(
    'reads a handful of pages however many jobs wait, of %s',
    async (_title, session) => {
      const quickly = quickTaker();
      // Plans that are kept are made here, by each connection, when the tables are nearly empty.
      for (let n = 0; n < 10; n += 1) {
        await add();
        await quickly();
      }
      await fill(MANY, session);
      await quickly();
      for (const take of [takeNext, quickly]) {
        const single = await add({ sessionId: 'single', priority: 6 });
        const before = await pagesTouched();
        expect(jobIdOf(await take())).toBe(single);
        await take();
        await take();
        expect((await pagesTouched()) - before).toBeLessThan(1_000);
      }
    },
    120_000,
  );
});

/** Pages of our tables and their indexes that were read since the database was made. */
async function pagesTouched(): Promise<number> {
  await database.query('SELECT pg_stat_force_next_flush()');
  const [row] = await database.query<{ pages: number }>(
    `SELECT sum(heap_blks_hit + heap_blks_read + idx_blks_hit + idx_blks_read)::integer AS pages
     FROM pg_statio_user_tables WHERE relname IN ('transcript_jobs', 'job_lines')`,
  );
  return row?.pages ?? 0;
}
