import type { Erasure } from '#persistence';
import { createLogger, Metrics } from '#telemetry';
import { TranscriptErasure } from './transcript-erasure.js';

const erasure: Erasure = { transcriptId: 't', jobId: 'j', mediaKey: 'media/j/source.wav' };

/** An erasure on parts that note what they are told, of which some are away. */
function eraseWithout(...away: readonly string[]) {
  const done: string[] = [];
  const step = (name: string): Promise<void> => {
    if (away.includes(name)) return Promise.reject(new Error(`${name} is away`));
    done.push(name);
    return Promise.resolve();
  };
  const metrics = new Metrics();
  const subject = new TranscriptErasure({
    rows: {
      removeRows: () => step('rows').then(() => true),
      passed: () => step('passed'),
      takeDue: () => Promise.resolve([erasure]),
    },
    objects: {
      delete: (key) => step(key),
      async *list(prefix) {
        yield await Promise.resolve({ key: `${prefix}late.wav`, bytes: 1, modifiedAt: new Date() });
      },
    },
    queue: { remove: () => step('queue') },
    events: { forget: () => step('events') },
    statuses: { forget: () => step('statuses') },
    copies: { forget: () => step('copies') },
    metrics,
    logger: createLogger('test', 'silent'),
  });
  return { subject, done, metrics };
}

const remnants = [
  'copies',
  'events',
  'media/j/late.wav',
  'media/j/source.wav',
  'queue',
  'results/t/late.wav',
  'statuses',
];

describe('TranscriptErasure', () => {
  it('removes the rows first, then everything else, and says so once nothing is left', async () => {
    const { subject, done, metrics } = eraseWithout();
    expect(await subject.pass(erasure)).toBe(true);
    expect([done[0], done.at(-1)]).toEqual(['rows', 'passed']);
    expect(done.slice(1, -1).toSorted()).toEqual(remnants);
    expect(await metrics.render()).toContain('polyscribe_transcripts_erased_total 1');
  });

  it.each(['queue', 'events', 'statuses', 'copies'])(
    'does the rest while the %s are away, and is not finished',
    async (away) => {
      const { subject, done } = eraseWithout(away);
      expect(await subject.pass(erasure)).toBe(false);
      expect(done.slice(1).toSorted()).toEqual(remnants.filter((name) => name !== away));
    },
  );

  it('touches nothing else while the rows cannot be removed', async () => {
    const { subject, done } = eraseWithout('rows');
    await expect(subject.pass(erasure)).rejects.toThrow('rows is away');
    expect(done).toEqual([]);
  });

  it('takes up what is due', async () => {
    const { subject, done } = eraseWithout();
    expect(await subject.finishDue(10)).toBe(1);
    expect(done).toContain('passed');
  });
});
