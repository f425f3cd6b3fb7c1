import { type Job, type JobEventBody, PolyscribeError } from '#contracts';
import type { EventBus } from '#events';
import type { Announcer, JobStatuses } from '#job-status';
import type { JobQueue } from '#queue';
import { createLogger } from '#telemetry';
import { eventually } from '#testing';
import { JobHandOver } from './job-hand-over.service.js';

const away = new PolyscribeError('dependency_unavailable', 'It does not answer.');
const job = { id: 'a', status: 'queued', progress: 0, stage: 'queued', message: '', options: {}, revision: 0 } as Job;

/** Hands over to parts that note what they are given, and hold tickets until they are let go. */
function bench() {
  const steps: string[] = [];
  const tickets: { readonly done: () => void; readonly fail: (error: Error) => void }[] = [];
  const statuses = { put: ({ id }: Job) => Promise.resolve(void steps.push(`cache ${id}`)) };
  const queue = {
    enqueue: ({ jobId }: { readonly jobId: string }) => {
      steps.push(`enqueue ${jobId}`);
      return new Promise<void>((done, fail) => tickets.push({ done, fail }));
    },
  };
  const events = {
    draft: () => Promise.reject(away),
    publish: (id: string, [event]: readonly JobEventBody[]) => {
      steps.push(`${event?.type ?? ''} ${id}`);
      return Promise.resolve([]);
    },
  };
  const handOver = new JobHandOver(
    statuses as Partial<JobStatuses> as JobStatuses,
    queue as Partial<JobQueue> as JobQueue,
    events as Partial<EventBus> as EventBus,
    {} as Announcer,
    createLogger('test', 'silent'),
  );
  return { handOver, steps, tickets };
}

describe('JobHandOver', () => {
  it('tells of a job before its ticket where that was not written with its row', async () => {
    const { handOver, steps, tickets } = bench();
    expect(await handOver.news(job.id)).toBeUndefined();
    handOver.begin(job, false);
    await eventually('the ticket', () => tickets.length === 1);
    expect(steps).toEqual(['cache a', 'status a', 'enqueue a']);
  });

  it('does not tell again of a job whose news is in the log', async () => {
    const { handOver, steps, tickets } = bench();
    handOver.begin(job, true);
    await eventually('the ticket', () => tickets.length === 1);
    expect(steps).toEqual(['cache a', 'enqueue a']);
  });

  it.each(['done', 'fail'] as const)(
    'is waited for until its ticket is there or given up (%s), by who does something to the job',
    async (how) => {
      const { handOver, tickets } = bench();
      handOver.begin(job, true);
      let isSettled = false;
      const settled = handOver.settled(job.id).then(() => (isSettled = true));
      await handOver.settled('another');
      await eventually('the ticket', () => tickets.length === 1);
      expect(isSettled).toBe(false);
      tickets[0]?.[how](away);
      await settled;
      await handOver.onApplicationShutdown();
    },
  );
});
