import { eventually } from '#testing';
import { Database } from '../database.js';
import { JobRepository } from '../jobs/job.repository.js';
import { newJob, startTestDatabase, type TestDatabase } from '../testing.js';
import { RemoteLeaseRepository } from './remote-lease.repository.js';
import { RemoteReportRepository } from './remote-report.repository.js';

describe('RemoteReportRepository', () => {
  let server: TestDatabase;
  let database: Database;
  let jobs: JobRepository;
  let leases: RemoteLeaseRepository;
  let reports: RemoteReportRepository;

  beforeAll(async () => {
    server = await startTestDatabase();
    database = new Database(server.url);
    await database.connect();
    jobs = new JobRepository(database);
    leases = new RemoteLeaseRepository(database);
    reports = new RemoteReportRepository(database);
    await database.query(
      `INSERT INTO webhook_endpoints (id, url, event_types, payload, secret)
       VALUES (gen_random_uuid(), 'http://gpu.example', '{job.offered}', 'thin', 'whsec_eA==')`,
    );
  });
  afterAll(async () => {
    await database.close();
    await server.stop();
  });

  async function offered(): Promise<string> {
    const { id } = await jobs.create(newJob({ worker: 'remote' }));
    const claim = await leases.claim(id, 'worker-1', 60_000);
    if (!claim) throw new Error('The job cannot be claimed.');
    expect(await leases.offer(claim.lease, { durationMs: 5_000, openMs: 60_000 })).toBe('offered');
    return id;
  }

  const by = { endpointId: '5f2b8f0e-3c1d-4a7b-9e6f-0a1b2c3d4e5f', workerId: 'gpu-1' };
  const times = { leaseMs: 60_000, limitMs: 60_000 };

  it('has a job cancelled at once that is cancelled while a worker is taking it', async () => {
    const jobId = await offered();
    let cancel: Promise<string> | undefined;
    await reports.exclusively(jobId, async (session) => {
      await session.take(by, times);
      cancel = jobs.requestCancel(jobId);
      await eventually('the cancel to wait for the row', async () => {
        const waiting = await database.query(
          `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
        );
        return waiting.length > 0;
      });
    });
    expect(await cancel).toBe('cancelled');
    expect(await jobs.find(jobId)).toMatchObject({ status: 'cancelled' });
  });
});
