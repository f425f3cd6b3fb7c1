import { type Job, PolyscribeError } from '#contracts';
import { Announcer } from './announcer.js';

const summary = {
  id: 't',
  language: 'en',
  durationMs: 1_000,
  engineUsed: 'local',
  model: 'base',
  warnings: [],
} as const;

/** Ended; one whose id begins with `file` has completed and leaves a file. */
function jobOf(id: string): Job {
  const leavesFile = id.startsWith('file');
  const status = leavesFile ? 'completed' : 'cancelled';
  return { id, status, progress: 0, options: leavesFile ? { resultFile: 'srt' } : {} } as Job;
}

/** An announcer whose database holds these ends; some cannot be told. */
function announcerOf(
  ids: readonly string[],
  broken: Readonly<Record<string, Error>>,
  files: { write(job: Job): Promise<void> } = { write: () => Promise.resolve() },
) {
  const told: string[] = [];
  const ends = ids.map((id) => ({ attempt: 1, job: jobOf(id) }));
  const announcer = new Announcer(
    { summary: (jobId) => Promise.resolve({ ...summary, jobId }) },
    {
      unannounced: () => Promise.resolve(ends),
      unannouncedEnd: (id) => Promise.resolve(ends.find(({ job }) => job.id === id)),
      markAnnounced: (id) => {
        told.push(id);
        return Promise.resolve();
      },
    },
    { keeps: false, put: () => Promise.resolve() },
    {
      draft: () => Promise.resolve(undefined),
      publish: (id) => {
        const error = broken[id];
        return error ? Promise.reject(error) : Promise.resolve([]);
      },
    },
    files,
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

  it('tells of a file once it is written', async () => {
    const steps: string[] = [];
    const write = ({ id }: Job) => Promise.resolve(void steps.push(id));
    const { announcer, told } = announcerOf(['file'], {}, { write });
    await announcer.announce('file');
    expect([steps, told]).toEqual([['file'], ['file']]);
  });

  it('tells no end before its file is written, and those without a file while the store is away', async () => {
    const asked: string[] = [];
    const away = new PolyscribeError('dependency_unavailable', 'The store does not answer.');
    const files = {
      write: ({ id }: Job) => {
        asked.push(id);
        return Promise.reject(away);
      },
    };
    const { announcer, told } = announcerOf(['file 1', 'a', 'file 2', 'b'], {}, files);
    await expect(announcer.announce('file 1')).rejects.toBe(away);
    expect(told).toEqual([]);
    await expect(announcer.announceAll(10)).rejects.toBe(away);
    expect([asked, told]).toEqual([
      ['file 1', 'file 1'],
      ['a', 'b'],
    ]);
  });
});
