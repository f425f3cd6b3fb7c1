import { randomUUID } from 'node:crypto';
import { Database, UploadRepository } from '#persistence';
import { eventually } from '#testing';
import { startTestDatabase, type TestDatabase } from '../../../libs/persistence/testing.js';
import { UploadLocker } from './upload-lock.js';

const { signal } = new AbortController();

describe('UploadLocker', () => {
  let postgres: TestDatabase;
  let database: Database;
  let rows: UploadRepository;

  beforeAll(async () => {
    postgres = await startTestDatabase();
    database = new Database(postgres.url);
    await database.connect();
    rows = new UploadRepository(database);
  });
  afterAll(async () => {
    await database.close();
    await postgres.stop();
  });

  it('holds a lock for longer than its lease', async () => {
    const id = randomUUID();
    const lock = new UploadLocker(rows, { leaseMs: 2_000, renewMs: 50, waitMs: 0 }).newLock(id);
    await lock.lock(signal, () => undefined);
    const [{ until } = { until: new Date(0) }] = await heldUntil(id);
    await eventually('the first lease to be over', () => new Date() > until);
    expect(await rows.lock(id, randomUUID(), 1)).toBe(false);
    await lock.unlock();
    expect(await rows.lock(id, randomUUID(), 1)).toBe(true);
  });

  it('does not take back a lock that it has given back, when a renewal comes late', async () => {
    const id = randomUUID();
    const late: (() => Promise<void>)[] = [];
    const slow = {
      lock: rows.lock.bind(rows),
      unlock: rows.unlock.bind(rows),
      renewLock: (...given: Parameters<UploadRepository['renewLock']>): Promise<void> => {
        late.push(() => rows.renewLock(...given));
        return Promise.resolve();
      },
    };
    const lock = new UploadLocker(slow, { leaseMs: 15_000, renewMs: 5, waitMs: 0 }).newLock(id);
    await lock.lock(signal, () => undefined);
    await eventually('a renewal', () => late.length > 0);
    await lock.unlock();
    for (const renew of late) await renew();
    expect(await rows.lock(id, randomUUID(), 1)).toBe(true);
  });

  function heldUntil(id: string): Promise<{ until: Date }[]> {
    return database.query('SELECT held_until AS until FROM upload_locks WHERE upload_id = $1', [id]);
  }
});
