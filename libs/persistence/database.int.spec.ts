import { CommitUnknownError, Database, type Transaction } from './database.js';
import { migrations } from './migrations/index.js';
import { waitUntil } from '../embedded-postgres/testing.js';
import { startFarewellProxy, startSilentProxy } from '../postgres/testing.js';
import { startEmptyDatabase, type TestDatabase } from './testing.js';

describe('Database', () => {
  let server: TestDatabase;
  beforeAll(async () => {
    server = await startEmptyDatabase();
  });
  afterAll(async () => {
    await server.stop();
  });

  it('makes the tables when several processes connect at once', async () => {
    const databases = [1, 2, 3].map(() => new Database(server.url, { poolSize: 2 }));
    await Promise.all(databases.map((database) => database.connect()));
    const rows = await databases[0]?.query<{ name: string }>('SELECT name FROM migrations ORDER BY id');
    await Promise.all(databases.map((database) => database.close()));
    expect(rows?.map(({ name }) => name)).toEqual(migrations.map((migration) => new migration().name));
  });

  it('has entities that say what the tables are', async () => {
    const database = new Database(server.url);
    await database.connect();
    const drift = await database.dataSource.driver.createSchemaBuilder().log();
    await database.close();
    expect(drift.upQueries.map(({ query }) => query)).toEqual([]);
  });

  it('answers dependency_unavailable while the database is away and works again after', async () => {
    const database = new Database(server.url, { poolSize: 2 });
    await database.connect();
    await database
      .query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()')
      .catch(() => undefined);
    const refusals: unknown[] = [];
    const back = await waitUntil(async () => {
      try {
        await database.ping();
        return true;
      } catch (error) {
        refusals.push(error);
        return false;
      }
    }, 10_000);
    expect(back).toBe(true);
    for (const refusal of refusals) expect(refusal).toMatchObject({ code: 'dependency_unavailable' });
    await database.close();
    const away = new Database('postgres://nobody@127.0.0.1:9/none', { connectTimeoutMs: 100 });
    await expect(away.connect()).rejects.toMatchObject({ code: 'dependency_unavailable', retryAfterMs: 2000 });
  });

  it('survives a server that shuts down in the moment when a connection is ready', async () => {
    const proxy = await startFarewellProxy(server.url);
    const database = new Database(proxy.url, { poolSize: 2 });
    await database.connect();
    proxy.arm();
    const outcomes: unknown[] = [];
    await waitUntil(async () => {
      const work = database.transaction((transaction) => transaction.query('SELECT 1'));
      outcomes.push(await work.catch((error: unknown) => error));
      return proxy.farewells() >= 5;
    }, 10_000);
    proxy.disarm();
    const answered = await waitUntil(
      () =>
        database.ping().then(
          () => true,
          () => false,
        ),
      10_000,
    );
    await database.close();
    await proxy.stop();
    expect(answered).toBe(true);
    expect(outcomes.length).toBeGreaterThanOrEqual(5);
    for (const outcome of outcomes) expect(outcome).toMatchObject({ code: 'dependency_unavailable' });
  });

  it('says when a commit got no answer, and only then', async () => {
    const database = new Database(server.url, { poolSize: 2 });
    await database.connect();
    const cutOff = (transaction: Transaction) =>
      transaction.query<{ pid: number }>('SELECT pg_backend_pid() AS pid').then(async ([row]) => {
        await database.query('SELECT pg_terminate_backend($1, 5000)', [row?.pid]);
      });
    const late: unknown = await database.transaction(cutOff).catch((error: unknown) => error);
    const early: unknown = await database
      .transaction(async (transaction) => {
        await cutOff(transaction);
        await transaction.query('SELECT 1');
      })
      .catch((error: unknown) => error);
    const alone: unknown = await database
      .write('SELECT pg_terminate_backend(pg_backend_pid())', [])
      .catch((error: unknown) => error);
    await database.close();
    expect(late).toBeInstanceOf(CommitUnknownError);
    expect(alone).toBeInstanceOf(CommitUnknownError);
    expect(late).toMatchObject({ code: 'dependency_unavailable', retryAfterMs: 2000 });
    expect(early).not.toBeInstanceOf(CommitUnknownError);
    expect(early).toMatchObject({ code: 'dependency_unavailable' });
  });

  it('leaves a connection that gives no answers to nobody', async () => {
    const proxy = await startSilentProxy(server.url);
    const database = new Database(proxy.url, { poolSize: 1, answerTimeoutMs: 1_000 });
    await database.connect();
    const asked: ((sql: string) => Promise<unknown>)[] = [
      (sql) => database.query(sql),
      (sql) => database.prepared(sql),
      (sql) => database.write(sql, []),
      (sql) => database.transaction(({ query }) => query(sql)),
    ];
    for (const ask of asked) {
      await database.ping();
      proxy.silence();
      await expect(ask('SELECT 1')).rejects.toMatchObject({ code: 'dependency_unavailable' });
      await expect(ask('SELECT 2')).resolves.toHaveLength(1);
    }
    await database.close();
    await proxy.stop();
  });

  it('keeps the parameters of a refused statement out of the error', async () => {
    const database = new Database(server.url);
    await database.connect();
    const thrown: unknown = await database.query('SELECT $1::uuid', ['spoken words']).catch((error: unknown) => error);
    await database.close();
    expect(thrown).toMatchObject({ code: 'internal' });
    const { cause } = thrown as Error;
    expect(`${String(thrown)} ${String(cause)} ${JSON.stringify(cause)}`).not.toContain('spoken');
  });
});
