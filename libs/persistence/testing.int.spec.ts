import { Client } from 'pg';
import { startTestDatabase } from './testing.js';

describe('startTestDatabase', () => {
  it('gives an empty database that is gone after stop', async () => {
    const database = await startTestDatabase();
    const client = new Client({ connectionString: database.url });
    await client.connect();
    const { rows } = await client.query<{ n: number }>(
      "SELECT count(*)::int AS n FROM pg_tables WHERE schemaname = 'public'",
    );
    await client.end();
    await database.stop();
    expect(rows).toEqual([{ n: 0 }]);
    const late = new Client({ connectionString: database.url });
    await expect(late.connect()).rejects.toMatchObject({ code: '3D000' });
  });
});
