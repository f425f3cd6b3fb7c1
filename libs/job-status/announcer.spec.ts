import { type Job, PolyscribeError } from '#contracts';
import { Announcer } from './announcer.js';

/** An announcer whose database holds these ends; some cannot be told. */
function announcerOf(ids: readonly string[], broken: Readonly<Record<string, Error>>) {
  const told: string[] = [];
  const ends = ids.map((id) => ({ attempt: 1, job: { id, status: 'cancelled', progress: 0 } as Job }));
  const announcer = new Announcer(
    { summary: () => Promise.resolve(undefined) },
    {
      unannounced: () => Promise.resolve(ends),
      unannouncedEnd: () => Promise.resolve(undefined),
      markAnnounced: (id) => {
        told.push(id);
        return Promise.resolve();
      },
    },
    { put: () => Promise.resolve() },
    {
      publish: (id) => {
        const error = broken[id];
        return error ? Promise.reject(error) : Promise.resolve([]);
      },
    },
  );
  return { announcer, told };
}

describe('Announcer', () => {
  it('tells the ends behind one that cannot be told, and then what is wrong with that', async () => {
    const { announcer, told } = announcerOf(['a', 'b', 'c'], { b: new Error('no transcript') });
    await expect(announcer.announceAll(10)).rejects.toThrow('no transcript');
    expect(told).toEqual(['a', 'c']);
  });

  it('stops at an outage, which would meet them all', async () => {
    const { announcer, told } = announcerOf(['a', 'b', 'c'], {
      b: new PolyscribeError('dependency_unavailable', 'The database does not answer.'),
    });
    await expect(announcer.announceAll(10)).rejects.toThrow('does not answer');
    expect(told).toEqual(['a']);
  });
});
