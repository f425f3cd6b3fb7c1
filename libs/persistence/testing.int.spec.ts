import { Client } from 'pg';
import { Database } from './database.js';
import { startEmptyDatabase, startTestDatabase } from './testing.js';

async function tables(url: string): Promise<string[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  const { rows } = await client.query<{ name: string }>(
    `SELECT schemaname || '.' || tablename AS name FROM pg_tables
     WHERE schemaname NOT IN ('pg_catalog', 'information_schema')`,
  );
  await client.end();
  return rows.map(({ name }) => name);
}

describe('startEmptyDatabase', () => {
  it('gives an empty database that is gone after stop', async () => {
    const database = await startEmptyDatabase();
    await expect(tables(database.url)).resolves.toEqual([]);
    await database.stop();
    const late = new Client({ connectionString: database.url });
    await expect(late.connect()).rejects.toMatchObject({ code: '3D000' });
  });
});

describe('startTestDatabase', () => {
  it('gives suites that ask at once databases of their own, with the tables of every part and nothing in them', async () => {
    const databases = await Promise.all([startTestDatabase(), startTestDatabase(), startTestDatabase()]);
    expect(new Set(databases.map(({ url }) => url)).size).toBe(3);
    for (const copy of databases) {
      const expected = ['public.transcript_jobs', 'bullmq.job', 'events.job_log'];
      await expect(tables(copy.url)).resolves.toEqual(expect.arrayContaining(expected));
      const database = new Database(copy.url);
      await database.connect();
      await expect(database.dataSource.showMigrations()).resolves.toBe(false);
      await expect(database.query('SELECT 1 FROM transcript_jobs')).resolves.toEqual([]);
      await database.close();
      await copy.stop();
    }
  });
});
