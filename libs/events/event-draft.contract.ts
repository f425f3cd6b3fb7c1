import { randomUUID } from 'node:crypto';
import pg from 'pg';
import type { JobEvent, JobEventBody } from '#contracts';
import { type ContractFixture, eventually } from '#testing';
import type { EventBus, EventDraft } from './event-bus.port.js';

function delta(text: string): JobEventBody {
  return { type: 'delta', data: { segment_id: randomUUID(), span: 0, text, t0: 0, t1: 1 } };
}

/** What every bus must do that lets statements of others append to its log. */
export function eventDraftContract(
  name: string,
  make: () => Promise<ContractFixture<EventBus>>,
  databaseUrl: () => string,
): void {
  describe(`${name}, events that another statement writes`, () => {
    let fixture: ContractFixture<EventBus>;
    let client: pg.Client;

    beforeEach(async () => {
      fixture = await make();
      client = new pg.Client({ connectionString: databaseUrl() });
      await client.connect();
    });

    afterEach(async () => {
      await client.end();
      await fixture.dispose();
    });

    async function drafted(bus: EventBus, ...given: Parameters<EventBus['draft']>): Promise<EventDraft> {
      const draft = await bus.draft(...given);
      if (!draft) throw new Error('The bus gives no draft.');
      return draft;
    }

    async function run({ sql, addition }: EventDraft): Promise<string | null> {
      const statement = `SELECT ${sql('$1::json')} AS last_seq`;
      const { rows } = await client.query<{ last_seq: string | null }>(statement, [JSON.stringify(addition)]);
      return rows[0]?.last_seq ?? null;
    }

    it('are in the log in order, behind what was there, and subscribers are told', async () => {
      const bus = fixture.open();
      const jobId = randomUUID();
      const seen: JobEvent[] = [];
      await bus.publish(jobId, [delta('before')]);
      const subscription = bus.subscribe(jobId, 0);
      const reading = (async () => {
        for await (const event of subscription) seen.push(event);
      })();
      await eventually('the first event', () => seen.length === 1);
      const draft = await drafted(bus, jobId, [delta('one'), delta('two')]);
      await draft.tell(await run(draft));
      await bus.publish(jobId, [delta('after')]);
      await eventually('the others', () => seen.length === 4);
      subscription.close();
      await reading;
      expect(seen.map((event) => event.seq)).toEqual([1, 2, 3, 4]);
      expect(await bus.history(jobId, 0, 10)).toEqual(seen);
    });

    it('are not in the log when the statement is taken back, and leave no gap', async () => {
      const bus = fixture.open();
      const jobId = randomUUID();
      const draft = await drafted(bus, jobId, [delta('one')], { key: 'k' });
      await client.query('BEGIN');
      await run(draft);
      await client.query('ROLLBACK');
      expect(await bus.history(jobId, 0, 10)).toEqual([]);
      expect(await bus.publish(jobId, [delta('two')], { key: 'k' })).toMatchObject([{ seq: 1 }]);
    });

    it('are dropped whole under a key that has been used, and nobody is told', async () => {
      const bus = fixture.open();
      const jobId = randomUUID();
      const draft = await drafted(bus, jobId, [delta('one'), delta('two')], { key: 'k' });
      await draft.tell(await run(draft));
      expect(await run(draft)).toBeNull();
      await draft.tell(null);
      expect(await bus.publish(jobId, [delta('again')], { key: 'k' })).toEqual([]);
      expect(await bus.publish(jobId, [delta('three')])).toMatchObject([{ seq: 3 }]);
      expect(await bus.history(jobId, 0, 10)).toHaveLength(3);
    });

    it('are dropped when the job has been forgotten meanwhile', async () => {
      const bus = fixture.open();
      const jobId = randomUUID();
      const draft = await drafted(bus, jobId, [delta('one')], { key: 'k' });
      await bus.forget(jobId);
      expect(await run(draft)).toBeNull();
      expect(await bus.history(jobId, 0, 10)).toEqual([]);
    });

    it('go when the job is forgotten before the statement is committed', async () => {
      const bus = fixture.open();
      const jobId = randomUUID();
      const draft = await drafted(bus, jobId, [delta('one')]);
      await client.query('BEGIN');
      await run(draft);
      const forgetting = bus.forget(jobId);
      await eventually('forgetting to wait', async () => {
        const { rows } = await client.query("SELECT FROM pg_locks WHERE NOT granted AND locktype = 'transactionid'");
        return rows.length > 0;
      });
      await client.query('COMMIT');
      await forgetting;
      expect(await bus.history(jobId, 0, 10)).toEqual([]);
    });
  });
}
