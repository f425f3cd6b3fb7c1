import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import type { ObjectStore } from '#objects';
import { Database, JobRepository, RetentionRepository } from '#persistence';
import { createLogger } from '#telemetry';
import { eventually } from '#testing';
import { fileStoreFixture, s3StoreFixture, startS3Server, type TestS3Server } from '../../libs/objects/testing.js';
import { newJob, startTestDatabase, type TestDatabase } from '../../libs/persistence/testing.js';
import { MediaSweeper } from './media-sweeper.js';

const never = new AbortController().signal;
const HOUR_MS = 3_600_000;

describe('MediaSweeper', () => {
  let postgres: TestDatabase;
  let s3: TestS3Server;
  let database: Database;
  let jobs: JobRepository;

  beforeAll(async () => {
    postgres = await startTestDatabase();
    s3 = await startS3Server();
    database = new Database(postgres.url);
    await database.connect();
    jobs = new JobRepository(database);
  });
  afterAll(async () => {
    await database.close();
    await s3.close();
    await postgres.stop();
  });

  describe.each([
    ['files', () => fileStoreFixture()],
    ['S3', () => s3StoreFixture(s3)],
  ])('on %s', (_name, makeFixture) => {
    let fixture: { open(): ObjectStore; dispose(): Promise<void> };
    let store: ObjectStore;

    beforeEach(async () => {
      await database.query('DELETE FROM transcripts');
      fixture = await makeFixture();
      store = fixture.open();
    });
    afterEach(() => fixture.dispose());

    function sweeper(orphanAgeMs: number): MediaSweeper {
      const limits = { mediaTtlMs: HOUR_MS, orphanAgeMs };
      return new MediaSweeper(new RetentionRepository(database), store, limits, createLogger('test', 'silent'));
    }

    async function accepted(): Promise<{ id: string; key: string }> {
      const job = newJob();
      const key = `media/${job.id}/source.wav`;
      await store.put(key, Readable.from(['sound']));
      await jobs.create({ ...job, media: { ...job.media, key } });
      return { id: job.id, key };
    }

    async function keys(): Promise<string[]> {
      const found: string[] = [];
      for await (const { key } of store.list('')) found.push(key);
      return found.toSorted();
    }

    it('removes the media of jobs that have ended long ago, and of no others', async () => {
      const [waiting, recent, old] = [await accepted(), await accepted(), await accepted()];
      for (const { id } of [recent, old]) await jobs.requestCancel(id);
      await database.query(`UPDATE transcript_jobs SET completed_at = now() - interval '2 hours' WHERE job_id = $1`, [
        old.id,
      ]);
      expect(await sweeper(HOUR_MS).sweep(never)).toEqual({ expired: 1, orphans: 0 });
      expect(await keys()).toEqual([waiting.key, recent.key].toSorted());
      expect(await jobs.retry(old.id)).toBe('media_gone');
      expect(await jobs.retry(recent.id)).toBe('queued');
    });

    it('removes objects without a job once they are old enough, and leaves what is not ours', async () => {
      const kept = await accepted();
      const dropped = await accepted();
      await database.query('UPDATE transcript_jobs SET media_removed_at = now() WHERE job_id = $1', [dropped.id]);
      const orphan = `media/${randomUUID()}/source.wav`;
      const foreign = ['backup/2026.tar', 'media/notes.txt', `media/${kept.id}-not/source.wav`];
      for (const key of [orphan, ...foreign]) await store.put(key, Readable.from(['x']));
      expect(await sweeper(HOUR_MS).sweep(never)).toEqual({ expired: 0, orphans: 0 });

      const removed = () => sweeper(1).sweep(never);
      let orphans = 0;
      await eventually('the orphans to be old', async () => (orphans += (await removed()).orphans) === 2);
      expect(await keys()).toEqual([kept.key, ...foreign].toSorted());
    });

    it('looks through more objects than fit into a page, and stops when it is told to', async () => {
      for (let n = 0; n < 205; n += 1) await store.put(`media/${randomUUID()}/source.wav`, Readable.from(['x']));
      expect(await sweeper(-HOUR_MS).sweep(AbortSignal.abort())).toEqual({ expired: 0, orphans: 0 });
      expect(await sweeper(-HOUR_MS).sweep(never)).toEqual({ expired: 0, orphans: 205 });
      expect(await keys()).toEqual([]);
    }, 60_000);
  });
});
