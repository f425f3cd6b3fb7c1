import { randomUUID } from 'node:crypto';
import { Database } from '../database.js';
import { startTestDatabase, type TestDatabase } from '../testing.js';
import { ContextRepository } from './context.repository.js';

describe('ContextRepository', () => {
  let server: TestDatabase;
  let database: Database;
  let contexts: ContextRepository;

  beforeAll(async () => {
    server = await startTestDatabase();
    database = new Database(server.url);
    await database.connect();
    contexts = new ContextRepository(database);
  });
  afterAll(async () => {
    await database.close();
    await server.stop();
  });

  const terms = [{ phrase: 'amoxicillin', boost: 4.5 }, { phrase: 'São João' }];

  it('gives back what was stored', async () => {
    const id = randomUUID();
    const created = await contexts.create(id, { name: 'Drugs', language: 'en', terms });
    expect(created).toMatchObject({ id, name: 'Drugs', language: 'en', terms, revision: 1 });
    expect(await contexts.find(id)).toEqual(created);
    expect(await contexts.find(randomUUID())).toBeUndefined();
  });

  it('replaces the whole of a context and raises its revision', async () => {
    const id = randomUUID();
    await contexts.create(id, { name: 'Before', language: 'en', terms });
    const after = await contexts.replace(id, { name: 'After', terms: [{ phrase: 'ibuprofen' }] });
    expect(after).toMatchObject({ name: 'After', terms: [{ phrase: 'ibuprofen' }], revision: 2 });
    expect(after).not.toHaveProperty('language');
    expect(await contexts.replace(randomUUID(), { name: 'None', terms })).toBeUndefined();
  });

  it('refuses a change by who has not seen the last one', async () => {
    const id = randomUUID();
    await contexts.create(id, { name: 'Shared', terms });
    const wanted = [1, 1, 1].map((revision) => contexts.replace(id, { name: 'Mine', terms }, revision));
    const outcomes = await Promise.allSettled(wanted);
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    await expect(contexts.delete(id, 1)).rejects.toMatchObject({ code: 'precondition_failed' });
    expect(await contexts.delete(id, 2)).toBe(true);
    expect(await contexts.delete(id)).toBe(false);
  });

  it('pages through all contexts once, also those of one instant, while others come in', async () => {
    const mine = Array.from({ length: 5 }, () => randomUUID());
    await database.query(
      `INSERT INTO contexts (id, name, terms, term_count, created_at)
       SELECT unnest($1::uuid[]), 'old', '[{"phrase":"a"}]', 1, timestamptz '2020-01-01'`,
      [mine],
    );
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await contexts.list({ limit: 2, ...(cursor === undefined ? {} : { cursor }) });
      seen.push(...page.contexts.map(({ id }) => id));
      cursor = page.nextCursor;
      await contexts.create(randomUUID(), { name: 'new', terms });
    } while (cursor !== undefined);
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen.slice(-5).sort()).toEqual(mine.toSorted());
    const [last] = (await contexts.list({ limit: 1 })).contexts;
    expect(last).toMatchObject({ name: 'new', termCount: 2 });
    expect(last).not.toHaveProperty('terms');
  });

  it('refuses a cursor that no list gave', async () => {
    for (const cursor of ['x', '', Buffer.from('1.2').toString('base64url')]) {
      await expect(contexts.list({ limit: 1, cursor })).rejects.toMatchObject({ code: 'invalid_request' });
    }
  });
});
