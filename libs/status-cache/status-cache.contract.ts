import { randomUUID } from 'node:crypto';
import type { JobStatus } from '#contracts';
import { type ContractRule, describeContract, type MakeFixture } from '#testing';
import type { CachedStatus, StatusBody, StatusCache } from './status-cache.port.js';

/** A body as the suite uses it: more than what every body has. */
export interface TestBody extends StatusBody {
  readonly message: string;
  readonly stages: readonly { readonly name: string; readonly seconds: number | null }[];
}

export function testStatus(
  jobId: string,
  revision: number,
  status: JobStatus = 'completed',
  message = `revision ${String(revision)}`,
): CachedStatus<TestBody> {
  return { revision, body: { job_id: jobId, status, message, stages: [{ name: 'decoding', seconds: null }] } };
}

/** Revisions as they really are: microseconds since 1970. */
const NOW = 1_795_000_000_000_000;

/** What holds whether the cache knows much or nothing: it may know nothing, and must not know anything wrong. */
export const statusCacheRules: readonly ContractRule<StatusCache<TestBody>>[] = [
  {
    title: 'knows nothing of a job that nobody put in',
    async check(fixture) {
      expect(await fixture.open().get(randomUUID())).toBeUndefined();
    },
  },
  {
    title: 'gives a status as it was put in or not at all, hostile text as well, and to each job its own',
    async check(fixture) {
      const [cache, other] = [fixture.open(), fixture.open()];
      const [one, two] = [randomUUID(), randomUUID()];
      const first = testStatus(one, NOW, 'failed', '{"revision":9} " \' \\ nul \0 half \ud83c 例 🎧');
      const second = testStatus(two, NOW + 7);
      await cache.put(first);
      await cache.put(second);
      expect([undefined, first]).toContainEqual(await other.get(one));
      expect([undefined, second]).toContainEqual(await other.get(two));
    },
  },
  {
    title: 'never gives an older status than the newest put in, in whatever order they came',
    async check(fixture) {
      const [cache, other] = [fixture.open(), fixture.open()];
      const jobId = randomUUID();
      const newest = testStatus(jobId, NOW + 1);
      for (const status of [testStatus(jobId, NOW - 1, 'processing'), newest, testStatus(jobId, NOW, 'processing')]) {
        await cache.put(status);
      }
      expect([undefined, newest]).toContainEqual(await other.get(jobId));
      const again = testStatus(jobId, NOW + 2, 'queued');
      await other.put(again);
      expect([undefined, again]).toContainEqual(await cache.get(jobId));
    },
  },
  {
    title: 'knows nothing of a job that was forgotten, and all of the others',
    async check(fixture) {
      const [cache, other] = [fixture.open(), fixture.open()];
      const [gone, kept] = [testStatus(randomUUID(), NOW), testStatus(randomUUID(), NOW)];
      await cache.put(gone);
      await cache.put(kept);
      const before = await other.get(kept.body.job_id);
      await cache.forget(gone.body.job_id);
      await cache.forget(gone.body.job_id);
      expect(await other.get(gone.body.job_id)).toBeUndefined();
      expect(await other.get(kept.body.job_id)).toEqual(before);
    },
  },
  {
    title: 'takes everything and knows nothing after it was closed',
    async check(fixture) {
      const cache = fixture.open();
      const status = testStatus(randomUUID(), NOW);
      await cache.put(status);
      await cache.close();
      await cache.close();
      await cache.put(status);
      expect(await cache.get(status.body.job_id)).toBeUndefined();
    },
  },
];

/** What every status cache must do. */
export function statusCacheContract(name: string, make: MakeFixture<StatusCache<TestBody>>): void {
  describeContract(name, statusCacheRules, make);
}
