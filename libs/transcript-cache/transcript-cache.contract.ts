import { randomUUID } from 'node:crypto';
import type { Transcript } from '#contracts';
import { type ContractRule, describeContract, type MakeFixture } from '#testing';
import type { CachedTranscript, TranscriptCache } from './transcript-cache.port.js';

export function testTranscript(
  revision = 5,
  text = `revision ${revision}`,
  jobId: string = randomUUID(),
): CachedTranscript {
  const words = [{ text, startMs: 70, endMs: 400, confidence: 0.25, speakerTag: 0 }];
  const transcript: Transcript = {
    ...{ id: randomUUID(), jobId, language: 'en', durationMs: 4_800, engineUsed: 'local', model: 'base' },
    segments: [{ id: '0-0', span: 0, startMs: 70, endMs: 4_800, text, speakerTag: 0, words }],
    speakerRoles: { 0: 'patient' },
    warnings: [{ code: 'w', message: text }],
  };
  return { revision, transcript };
}

/** What holds whether the cache knows much or nothing: it may know nothing, and must not know anything wrong. */
export const transcriptCacheRules: readonly ContractRule<TranscriptCache>[] = [
  {
    title: 'knows nothing of a job that nobody put in',
    async check(fixture) {
      expect(await fixture.open().get(randomUUID(), 1)).toBeUndefined();
    },
  },
  {
    title: 'gives a transcript as it was put in or not at all, hostile text as well, and to each job its own',
    async check(fixture) {
      const [cache, other] = [fixture.open(), fixture.open()];
      const one = testTranscript(3, '7:{"revision":9} " \' \\ nul \0 half \ud83c 例 🎧');
      const two = testTranscript(3);
      for (const cached of [one, two]) await cache.put(cached);
      for (const { revision, transcript } of [one, two]) {
        expect([undefined, transcript]).toContainEqual(await other.get(transcript.jobId, revision));
      }
    },
  },
  {
    title: 'never gives what was there at another revision, in whatever order they came',
    async check(fixture) {
      const [cache, other] = [fixture.open(), fixture.open()];
      const jobId = randomUUID();
      for (const revision of [1, 12, 2]) {
        const cached = testTranscript(revision, `revision ${revision}`, jobId);
        await cache.put(cached);
        expect([undefined, cached.transcript]).toContainEqual(await other.get(jobId, revision));
        for (const wrong of [0, 1, 2, 12, 21].filter((each) => each !== revision)) {
          expect(await other.get(jobId, wrong)).toBeUndefined();
        }
      }
    },
  },
  {
    title: 'knows nothing of a job that was forgotten, and all of the others',
    async check(fixture) {
      const [cache, other] = [fixture.open(), fixture.open()];
      const [gone, kept] = [testTranscript(), testTranscript()];
      for (const cached of [gone, kept]) await cache.put(cached);
      const before = await other.get(kept.transcript.jobId, kept.revision);
      await cache.forget(gone.transcript.jobId);
      await cache.forget(gone.transcript.jobId);
      expect(await other.get(gone.transcript.jobId, gone.revision)).toBeUndefined();
      expect(await other.get(kept.transcript.jobId, kept.revision)).toEqual(before);
    },
  },
  {
    title: 'takes everything and knows nothing after it was closed',
    async check(fixture) {
      const cache = fixture.open();
      const cached = testTranscript();
      await cache.put(cached);
      await cache.close();
      await cache.close();
      await cache.put(cached);
      expect(await cache.get(cached.transcript.jobId, cached.revision)).toBeUndefined();
    },
  },
];

/** What every transcript cache must do. */
export function transcriptCacheContract(name: string, make: MakeFixture<TranscriptCache>): void {
  describeContract(name, transcriptCacheRules, make);
}
