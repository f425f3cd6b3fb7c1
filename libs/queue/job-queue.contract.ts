import { randomUUID } from 'node:crypto';
import { type ContractRule, describeContract, eventually, type MakeFixture } from '#testing';
import type { JobQueue, QueuedJob } from './job-queue.port.js';

/** Clocks of timers and of the queue may differ by that much. */
const CLOCK_SLACK_MS = 20;

/** A handler that notes what it gets and holds it until it is let go. */
class Bench {
  readonly taken: QueuedJob[] = [];
  readonly finished: string[] = [];
  readonly aborted: string[] = [];
  running = 0;
  mostRunning = 0;
  /** Jobs that some handler had while another had them too. */
  readonly doubled: string[] = [];
  private readonly at = new Set<string>();
  private readonly held = new Set<() => void>();

  /** @param hold keeps each job until `letGo` */
  constructor(private readonly hold = false) {}

  readonly handler = async (job: QueuedJob, signal: AbortSignal): Promise<void> => {
    this.taken.push(job);
    if (this.at.has(job.jobId)) this.doubled.push(job.jobId);
    this.at.add(job.jobId);
    this.running += 1;
    this.mostRunning = Math.max(this.mostRunning, this.running);
    try {
      if (this.hold) await this.untilLetGo(signal);
      else await new Promise((resolve) => setImmediate(resolve));
      if (signal.aborted) {
        this.aborted.push(job.jobId);
        throw new Error('aborted');
      }
      this.finished.push(job.jobId);
    } finally {
      this.running -= 1;
      this.at.delete(job.jobId);
    }
  };

  letGo(): void {
    for (const release of this.held) release();
  }

  private async untilLetGo(signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve) => {
      this.held.add(resolve);
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
  }
}

function job(priority = 5): QueuedJob {
  return { jobId: randomUUID(), priority };
}

async function isGone(queue: JobQueue, jobId: string): Promise<boolean> {
  return !(await queue.has(jobId));
}

export const jobQueueRules: readonly ContractRule<JobQueue>[] = [
  {
    title: 'gives work that another process put in, with its priority',
    async check(fixture) {
      const work = job(7);
      const bench = new Bench();
      fixture.open().consume(1, bench.handler);
      await fixture.open().enqueue(work);
      await eventually('the work', () => bench.finished.length === 1);
      expect(bench.taken).toEqual([work]);
    },
  },
  {
    title: 'gives the highest priority first, and among equals the oldest',
    async check(fixture) {
      const queue = fixture.open();
      const jobs = [3, 0, 9, 3, 9, 0, 5].map((priority) => job(priority));
      for (const work of jobs) await queue.enqueue(work);
      const bench = new Bench();
      queue.consume(1, bench.handler);
      await eventually('all work', () => bench.finished.length === jobs.length);
      expect(bench.taken).toEqual([2, 4, 6, 0, 3, 1, 5].map((index) => jobs[index]));
    },
  },
  {
    title: 'gives work once that was put in twice',
    async check(fixture) {
      const [queue, other] = [fixture.open(), fixture.open()];
      const [work, last] = [job(9), job(0)];
      await Promise.all([queue.enqueue(work), other.enqueue(work), queue.enqueue(work), other.enqueue(work)]);
      await queue.enqueue(last);
      expect(await queue.depth()).toBe(2);
      const bench = new Bench();
      queue.consume(1, bench.handler);
      await eventually('all work', () => bench.finished.includes(last.jobId));
      expect(bench.finished).toEqual([work.jobId, last.jobId]);
    },
  },
  {
    title: 'takes the same job again after it was done',
    async check(fixture) {
      const queue = fixture.open();
      const work = job();
      const bench = new Bench();
      queue.consume(1, bench.handler);
      for (const times of [1, 2, 3]) {
        await queue.enqueue(work);
        await eventually('the work', () => bench.finished.length === times);
        await eventually('the end of the entry', () => isGone(queue, work.jobId));
      }
    },
  },
  {
    title: 'gives work once more that was put in while a handler had it, after that handler has ended',
    async check(fixture) {
      const [queue, other] = [fixture.open(), fixture.open()];
      const work = job();
      const bench = new Bench(true);
      queue.consume(2, bench.handler);
      await queue.enqueue(work);
      await eventually('the handler', () => bench.running === 1);
      await other.enqueue(work);
      await other.enqueue(work);
      expect(bench.taken).toHaveLength(1);
      bench.letGo();
      await eventually('the second time', () => bench.taken.length === 2 && bench.running === 1);
      bench.letGo();
      await eventually('the end of the entry', () => isGone(queue, work.jobId));
      expect(bench.finished).toEqual([work.jobId, work.jobId]);
      expect(bench.doubled).toEqual([]);
    },
  },
  {
    title: 'keeps the delay of work that its own handler puts in again',
    async check(fixture) {
      const queue = fixture.open();
      const work = job();
      const times: number[] = [];
      queue.consume(1, async () => {
        times.push(Date.now());
        if (times.length === 1) await queue.enqueue(work, 700);
      });
      await queue.enqueue(work);
      await eventually('the second time', () => times.length === 2);
      expect(Number(times[1]) - Number(times[0])).toBeGreaterThanOrEqual(700 - CLOCK_SLACK_MS);
    },
  },
  {
    title: 'holds delayed work back until its time',
    async check(fixture) {
      const queue = fixture.open();
      const [late, now] = [job(9), job(0)];
      const bench = new Bench();
      let tookLateAt = 0;
      queue.consume(2, async (work, signal) => {
        if (work.jobId === late.jobId) tookLateAt = Date.now();
        await bench.handler(work, signal);
      });
      const putInAt = Date.now();
      await queue.enqueue(late, 800);
      await queue.enqueue(now);
      expect(await queue.has(late.jobId)).toBe(true);
      await eventually('both', () => bench.finished.length === 2);
      expect(bench.finished).toEqual([now.jobId, late.jobId]);
      expect(tookLateAt - putInAt).toBeGreaterThanOrEqual(800 - CLOCK_SLACK_MS);
    },
  },
  {
    title: 'takes out work that waits or is delayed, and bears unknown work',
    async check(fixture) {
      const queue = fixture.open();
      const [waiting, delayed, last] = [job(9), job(9), job(0)];
      await queue.enqueue(waiting);
      await queue.enqueue(delayed, 60_000);
      await queue.enqueue(last);
      await queue.remove(waiting.jobId);
      await queue.remove(delayed.jobId);
      await queue.remove(randomUUID());
      expect(await queue.has(waiting.jobId)).toBe(false);
      expect(await queue.depth()).toBe(1);
      const bench = new Bench();
      queue.consume(1, bench.handler);
      await eventually('the last work', () => bench.finished.length === 1);
      expect(bench.taken).toEqual([last]);
    },
  },
  {
    title: 'counts what waits for its time with the rest, and not with what could be given out now',
    async check(fixture) {
      const queue = fixture.open();
      await queue.enqueue(job());
      await queue.enqueue(job(), 60_000);
      expect([await queue.depth(), await queue.waiting()]).toEqual([2, 1]);
    },
  },
  {
    title: 'leaves work to the handler that has it when it is removed',
    async check(fixture) {
      const queue = fixture.open();
      const work = job();
      const bench = new Bench(true);
      queue.consume(1, bench.handler);
      await queue.enqueue(work);
      await eventually('the handler', () => bench.running === 1);
      await queue.remove(work.jobId);
      expect(await queue.has(work.jobId)).toBe(true);
      bench.letGo();
      await eventually('the end of the entry', () => isGone(queue, work.jobId));
      expect(bench.finished).toEqual([work.jobId]);
    },
  },
  {
    title: 'knows what it has: waiting, with a handler, and no longer when it is done',
    async check(fixture) {
      const queue = fixture.open();
      const work = job();
      expect(await queue.has(work.jobId)).toBe(false);
      await queue.enqueue(work);
      expect(await queue.has(work.jobId)).toBe(true);
      expect(await queue.depth()).toBe(1);
      const bench = new Bench(true);
      queue.consume(1, bench.handler);
      await eventually('the handler', () => bench.running === 1);
      expect(await queue.has(work.jobId)).toBe(true);
      expect(await queue.depth()).toBe(0);
      bench.letGo();
      await eventually('the end of the entry', () => isGone(queue, work.jobId));
    },
  },
  {
    title: 'runs as many handlers at once as it was told, and no more',
    async check(fixture) {
      const queue = fixture.open();
      const jobs = Array.from({ length: 9 }, () => job());
      const bench = new Bench(true);
      queue.consume(3, bench.handler);
      for (const work of jobs) await queue.enqueue(work);
      await eventually('three handlers', () => bench.running === 3);
      await eventually('the rest', () => {
        bench.letGo();
        return bench.finished.length === jobs.length;
      });
      expect(bench.mostRunning).toBe(3);
    },
  },
  {
    title: 'gives work out again that a handler gave back by throwing',
    async check(fixture) {
      const queue = fixture.open();
      const [flaky, fine] = [job(9), job(0)];
      const seen: string[] = [];
      queue.consume(1, (work) => {
        seen.push(work.jobId);
        if (work.jobId === flaky.jobId && seen.length === 1) return Promise.reject(new Error('not now'));
        return Promise.resolve();
      });
      await queue.enqueue(flaky);
      await queue.enqueue(fine);
      await eventually('the second try', () => seen.length === 3);
      expect(seen).toEqual([flaky.jobId, fine.jobId, flaky.jobId]);
      await eventually('the end of the entry', () => isGone(queue, flaky.jobId));
    },
  },
  {
    title: 'shares work between consumers, and gives no entry to two at once',
    async check(fixture) {
      const bench = new Bench();
      const takenBy = [0, 0];
      for (const index of [0, 1]) {
        fixture.open().consume(2, async (work, signal) => {
          takenBy[index] = Number(takenBy[index]) + 1;
          await bench.handler(work, signal);
          await eventually('the other to take its share', () => Number(takenBy[1 - index]) > 0);
        });
      }
      const queue = fixture.open();
      const jobs = Array.from({ length: 80 }, () => job());
      await Promise.all(jobs.map((work) => queue.enqueue(work)));
      await eventually('all work', () => bench.finished.length >= jobs.length);
      expect(bench.finished.toSorted()).toEqual(jobs.map((work) => work.jobId).toSorted());
      expect(bench.doubled).toEqual([]);
      expect(Math.min(...takenBy)).toBeGreaterThan(0);
    },
  },
  {
    title: 'waits for the handlers when a consumer closes within its grace',
    async check(fixture) {
      const queue = fixture.open();
      const [work, next] = [job(9), job(0)];
      const bench = new Bench(true);
      const consumer = queue.consume(1, bench.handler);
      await queue.enqueue(work);
      await queue.enqueue(next);
      await eventually('the handler', () => bench.running === 1);
      const closed = consumer.close(20_000);
      bench.letGo();
      await closed;
      expect(bench.finished).toEqual([work.jobId]);
      expect(bench.aborted).toEqual([]);
      expect(await queue.has(next.jobId)).toBe(true);
    },
  },
  {
    title: 'aborts the handlers when the grace is over, and gives their work to another at once',
    async check(fixture) {
      const [queue, other] = [fixture.open(), fixture.open()];
      const work = job();
      const [leaving, staying] = [new Bench(true), new Bench()];
      const consumer = queue.consume(1, leaving.handler);
      await queue.enqueue(work);
      await eventually('the handler', () => leaving.running === 1);
      await consumer.close(30);
      expect(leaving.aborted).toEqual([work.jobId]);
      other.consume(1, staying.handler);
      await eventually('the other consumer', () => staying.finished.length === 1, 3_000);
    },
  },
  {
    title: 'closes its consumers with it',
    async check(fixture) {
      const [queue, other] = [fixture.open(), fixture.open()];
      const bench = new Bench();
      queue.consume(2, bench.handler);
      const work = job();
      await other.enqueue(work);
      await eventually('the work', () => bench.finished.length === 1);
      await queue.close();
      await queue.close();
      await other.enqueue(job());
      expect(await other.depth()).toBe(1);
      expect(bench.taken).toEqual([work]);
    },
  },
  {
    title: 'answers a ping',
    async check(fixture) {
      await expect(fixture.open().ping()).resolves.toBeUndefined();
    },
  },
];

/** What every job queue must do. */
export function jobQueueContract(name: string, make: MakeFixture<JobQueue>): void {
  describeContract(name, jobQueueRules, make);
}
