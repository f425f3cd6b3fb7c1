import { startTestDatabase, type TestDatabase } from '../persistence/testing.js';
import { GuardedClient } from './guarded-client.js';
import { type FarewellProxy, startFarewellProxy } from './testing.js';

describe('GuardedClient', () => {
  let server: TestDatabase;
  let proxy: FarewellProxy;

  beforeAll(async () => {
    server = await startTestDatabase();
    proxy = await startFarewellProxy(server.url);
    proxy.arm();
  });
  afterAll(async () => {
    await proxy.stop();
    await server.stop();
  });

  it('tells of a loss by its next statement when nobody listens', async () => {
    const client = new GuardedClient({ connectionString: proxy.url });
    await client.connect();
    await expect(client.query('SELECT 1')).rejects.toThrow(/not queryable|terminated/);
    await client.end();
    expect(proxy.farewells()).toBe(1);
  });

  it('tells who listens', async () => {
    const client = new GuardedClient({ connectionString: proxy.url });
    const heard = new Promise((resolve) => client.once('error', resolve));
    await client.connect();
    expect(await heard).toMatchObject({ code: '57P01' });
    await client.end();
  });
});
