import type { JobOptions } from '#contracts';
import { newJob } from '../testing/new-job.js';
import { digestOf } from './options-digest.js';

const base = newJob().options;

describe('digestOf', () => {
  it.each<[string, Partial<JobOptions>]>([
    ['whose it is', { sessionId: 's', dbId: 'd', title: 't', tags: ['a'], metadata: { a: 1 } }],
    ['when it runs', { priority: 9 }],
    ['where its end is told', { callback: { url: 'https://a.example/', payload: 'thin', onError: true } }],
    ['that a file is left', { resultFile: 'srt' }],
    ['that a transcript may be reused', { reuse: true }],
  ])('leaves out %s', (_what, options) => {
    expect(digestOf({ ...base, ...options })).toBe(digestOf(base));
  });

  it.each<Partial<JobOptions>>([
    { engine: 'asr' },
    { language: 'en' },
    { model: 'large' },
    { task: 'translate' },
    { profile: 'fast' },
    { enableDiarization: true },
    { wordTimestamps: true },
    { separateChannels: true },
    { punctuation: false },
    { engineOptions: { local: { beam: '5' } } },
    { context: { id: 'a', phrases: [{ phrase: 'angina' }] } },
    { onUnsupported: 'refuse' },
  ])('tells apart what decides the text: %j', (options) => {
    expect(digestOf({ ...base, ...options })).not.toBe(digestOf(base));
  });

  it('goes by what a context holds and not by its id, and by no order of members', () => {
    const phrases = [{ phrase: 'angina', boost: 2 }];
    const one = digestOf({ ...base, context: { id: 'a', phrases }, engineOptions: { asr: { a: '1', b: '2' } } });
    const other = digestOf({ engineOptions: { asr: { b: '2', a: '1' } }, context: { phrases, id: 'b' }, ...base });
    expect(other).toBe(one);
  });
});
