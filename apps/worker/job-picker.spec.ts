import { randomUUID } from 'node:crypto';
import { type EngineInstance, type JobOptions, PolyscribeError } from '#contracts';
import type { Claim, JobLineRepository, LineHead, Taken } from '#persistence';
import { instanceOf } from '../../libs/routing/testing.js';
import type { EngineDirectory } from './engine-directory.js';
import { JobPicker, type PickedJob } from './job-picker.js';
import { directoryOf, FakeRegistry, jobWith, optionsWith, quickSettings } from './testing/fakes.js';

const never = new AbortController().signal;
const asr = { engine: 'asr', allowFallback: false } as const;
const local = { engine: 'local', allowFallback: false } as const;

interface WaitingJob {
  readonly name: string;
  readonly options: JobOptions;
  readonly waitedMs: number;
  readonly ends: boolean;
  readonly isMixed: boolean;
}

/** Lines in memory, each of one job, in the order in which they came. */
class FakeLines implements Pick<JobLineRepository, 'heads' | 'sampleOf' | 'take' | 'takeNext'> {
  looks = 0;
  /** Jobs that were taken without a look. */
  steps = 0;
  private readonly demands = new Map<string, string>();
  /** What the next look fails with. */
  failure: Error | undefined;
  /** Whether another has every line. */
  locked = false;
  private jobs: readonly WaitingJob[] = [];

  add(name: string, options: Partial<JobOptions>, { waitedMs = 0, ends = false, isMixed = false } = {}): void {
    this.jobs = [...this.jobs, { name, options: optionsWith(options), waitedMs, ends, isMixed }];
  }

  heads(): Promise<LineHead[]> {
    this.looks += 1;
    const failure = this.failure;
    this.failure = undefined;
    if (failure) return Promise.reject(failure);
    return Promise.resolve(
      this.jobs.map(({ name, waitedMs, isMixed }) => ({
        ...{ demand: name, priority: 5, turn: new Date(), waitedMs },
        ...(isMixed ? { isMixed } : {}),
      })),
    );
  }

  sampleOf(demand: string): Promise<JobOptions | undefined> {
    return Promise.resolve(this.jobs.find(({ name }) => name === demand)?.options);
  }

  /** Lines of equal options are one, as they are in the database. */
  async takeNext(demand: string, workerId: string, leaseMs: number, places: number): Promise<Taken[]> {
    const taken: Taken[] = [];
    for (let first = this.jobs[0]; taken.length < places; first = this.jobs[0]) {
      if (this.demands.get(demand) !== JSON.stringify(first?.options) || first?.isMixed !== false) break;
      const head = { demand: first.name, priority: 5, turn: new Date(), waitedMs: 0 };
      const next = await this.take(head, workerId, leaseMs, false);
      if (!next) break;
      taken.push(next);
      if (first.ends) break;
    }
    if (taken.length > 0) this.steps += 1;
    return taken;
  }

  take({ demand }: LineHead, workerId: string, _leaseMs: number, patience: boolean): Promise<Taken | undefined> {
    const job = this.jobs.find(({ name }) => name === demand);
    if (!job || (this.locked && !patience)) return Promise.resolve(undefined);
    this.demands.set(demand, JSON.stringify(job.options));
    this.jobs = this.jobs.filter((other) => other !== job);
    if (job.ends) return Promise.resolve({ endedJobId: job.name });
    const claim: Claim = {
      lease: { jobId: job.name, token: randomUUID(), workerId, attempt: 1 },
      job: { ...jobWith(job.options), id: job.name },
      spans: [],
      maxAttempts: 4,
      waitedMs: { busy: 0, outage: 0 },
    };
    return Promise.resolve({ claim });
  }
}

class Bench {
  readonly lines = new FakeLines();
  readonly announced: string[] = [];
  announceFailure: Error | undefined;
  readonly registry: FakeRegistry;
  readonly directory: EngineDirectory;
  readonly picker: JobPicker;

  /** @param lookAgainMs so long by default that nothing is found by looking again */
  constructor(instances: readonly EngineInstance[], lookAgainMs = 3_600_000) {
    this.registry = new FakeRegistry(...instances);
    this.directory = directoryOf(this.registry);
    const announcer = {
      announce: (jobId: string) => {
        this.announced.push(jobId);
        return this.announceFailure ? Promise.reject(this.announceFailure) : Promise.resolve();
      },
    };
    const settings = quickSettings({ lookAgainMs, keepPlaceMs: 3_600_000, engineWaitMs: 500, jobTimeoutMs: 600 });
    this.picker = new JobPicker(this.lines, this.directory, announcer, 'worker', settings);
  }

  /** The look that is under way, with fakes that answer at once, ends before this does. */
  async parked(): Promise<void> {
    for (let n = 0; n < 4; n += 1) await new Promise((resolve) => setImmediate(resolve));
  }

  async next(): Promise<string | undefined> {
    return nameOf(await this.picker.next(never));
  }
}

function nameOf(picked: PickedJob | undefined): string | undefined {
  return picked?.claim.job.id;
}

describe('JobPicker', () => {
  it('gives the first job that can be served, past those that cannot', async () => {
    const bench = new Bench([instanceOf('asr', { inFlight: 2 }), instanceOf('local')]);
    for (const name of ['a', 'b', 'c']) bench.lines.add(name, asr);
    bench.lines.add('d', local);
    expect(await bench.next()).toBe('d');
  });

  it('takes the next job like the last one in one step, as long as some engine can serve it', async () => {
    const bench = new Bench([instanceOf('asr', { capabilities: { maxConcurrency: 2 } }), instanceOf('local')]);
    for (const name of ['a', 'b', 'c']) bench.lines.add(name, asr);
    bench.lines.add('d', local);
    const picked = [await bench.next(), await bench.next()];
    expect([picked, bench.lines.steps, bench.lines.looks]).toEqual([['a', 'b'], 1, 1]);
    // No place is left for the third.
    expect(await bench.next()).toBe('d');
    expect([bench.lines.steps, bench.lines.looks]).toEqual([1, 2]);
  });

  it('takes jobs like the last one for all free places in one step, as many as the engine has room for', async () => {
    const bench = new Bench([instanceOf('asr', { capabilities: { maxConcurrency: 4 } })]);
    for (const name of ['a', 'b', 'c', 'd', 'e']) bench.lines.add(name, asr);
    expect(await bench.next()).toBe('a');
    const rest = ['b', 'c', 'd', 'e'].map(() => bench.picker.next(never));
    const picked = await Promise.all(rest.slice(0, 3));
    expect(picked.map(nameOf)).toEqual(['b', 'c', 'd']);
    expect([bench.lines.steps, bench.lines.looks]).toEqual([1, 1]);
    await bench.parked();
    picked[0]?.started();
    expect(nameOf(await rest[3])).toBe('e');
  });

  it('gives what was taken with a job that ended, also where that cannot be announced', async () => {
    const bench = new Bench([instanceOf('asr', { capabilities: { maxConcurrency: 4 } })]);
    for (const name of ['a', 'b']) bench.lines.add(name, asr);
    bench.lines.add('spent', asr, { ends: true });
    bench.lines.add('c', asr);
    bench.announceFailure = new Error('away');
    expect(await bench.next()).toBe('a');
    const picked = await Promise.all([bench.picker.next(never), bench.picker.next(never)]);
    expect(picked.map(nameOf)).toEqual(['b', 'c']);
    expect(bench.announced).toEqual(['spent']);
  });

  it('takes a job of a mixed line for its engine alone, and says when nobody has what else it needs', async () => {
    const bench = new Bench([instanceOf('asr', { inFlight: 2 }), instanceOf('local')]);
    bench.lines.add('a', { model: 'asr-model' }, { isMixed: true });
    bench.lines.add('b', {}, { isMixed: true });
    const [a, b] = [await bench.picker.next(never), await bench.picker.next(never)];
    expect([nameOf(a), a?.setback?.code]).toEqual(['a', 'engine_busy']);
    expect([nameOf(b), b?.setback]).toEqual(['b', undefined]);
  });

  it('gives nothing when no job is due', async () => {
    expect(await new Bench([instanceOf('asr')]).next()).toBeUndefined();
  });

  it.each([
    ['the engine frees', (bench: Bench) => bench.registry.set(instanceOf('asr'))],
    ['another engine comes', (bench: Bench) => bench.registry.set(instanceOf('asr', { id: 'second' }))],
  ])('gives a waiting job at once when %s, and asks the database no sooner', async (_title, happen) => {
    const bench = new Bench([instanceOf('asr', { inFlight: 2 })]);
    bench.lines.add('a', asr);
    const next = bench.next();
    await bench.parked();
    bench.registry.set(instanceOf('asr', { inFlight: 2 }), instanceOf('local'));
    happen(bench);
    expect(await next).toBe('a');
    expect(bench.lines.looks).toBe(2);
  });

  it('gives a job of this worker’s own engine at once when its call there ends', async () => {
    const bench = new Bench([instanceOf('asr', { capabilities: { maxConcurrency: 1 } })]);
    const leave = bench.directory.enter('asr');
    bench.lines.add('a', asr);
    const next = bench.next();
    await bench.parked();
    leave();
    expect(await next).toBe('a');
  });

  it('finds a job that came while all places wait for an engine', async () => {
    const bench = new Bench([instanceOf('asr', { inFlight: 2 }), instanceOf('local')], 20);
    bench.lines.add('a', asr);
    const both = [bench.next(), bench.next()];
    await bench.parked();
    bench.lines.add('b', local);
    expect(await Promise.race(both)).toBe('b');
    bench.registry.set(instanceOf('asr'));
    expect(await Promise.all(both)).toEqual(['b', 'a']);
  });

  it('takes no more jobs than the engine has places, until they are called or ended', async () => {
    const bench = new Bench([instanceOf('asr')]);
    for (const name of ['a', 'b', 'c']) bench.lines.add(name, asr);
    const first = await bench.picker.next(never);
    expect(await bench.next()).toBe('b');
    const third = bench.next();
    await bench.parked();
    first?.started();
    expect(await third).toBe('c');
  });

  it('looks once for all places while none can be served', async () => {
    const bench = new Bench([instanceOf('asr', { inFlight: 2 })]);
    bench.lines.add('a', asr);
    const stop = new AbortController();
    const all = [1, 2, 3].map(() => bench.picker.next(stop.signal).catch(() => 'stopped'));
    await bench.parked();
    for (let n = 0; n < 5; n += 1) bench.registry.set(instanceOf('asr', { inFlight: 2 }));
    stop.abort();
    expect(await Promise.all(all)).toEqual(['stopped', 'stopped', 'stopped']);
    expect(bench.lines.looks).toBeLessThanOrEqual(3);
  });

  it('announces a job that ended when it was to be taken, and gives the next', async () => {
    const bench = new Bench([instanceOf('asr')]);
    bench.lines.add('spent', asr, { ends: true });
    bench.lines.add('a', asr);
    expect(await bench.next()).toBe('a');
    expect(bench.announced).toEqual(['spent']);
  });

  it('waits for a line that another has only where there is nothing else', async () => {
    const bench = new Bench([instanceOf('asr')]);
    for (const name of ['a', 'b']) bench.lines.add(name, asr);
    bench.lines.locked = true;
    expect(await bench.next()).toBe('a');
    expect(bench.lines.looks).toBe(2);
    expect(await bench.next()).toBe('b');
    expect(bench.lines.looks).toBe(3);
  });

  it.each([
    ['lacks what it needs', { ...asr, language: 'xx' }, 600, 'unsupported_language'],
    ['is away', local, 700, 'no_engine'],
  ] as const)('gives a job to be ended once every engine %s for too long', async (_title, options, waitedMs, code) => {
    const bench = new Bench([instanceOf('asr')], 20);
    bench.lines.add('a', options);
    bench.lines.add('b', options, { waitedMs });
    const picked = await bench.picker.next(never);
    expect(nameOf(picked)).toBe('b');
    expect(picked?.hopeless?.code).toBe(code);
  });

  it.each([
    ['full', [instanceOf('asr', { inFlight: 2 })]],
    ['just away', []],
  ])('keeps jobs that stood in line for days while their engine is %s', async (_title, instances) => {
    const bench = new Bench([...instances, instanceOf('local')], 3_600_000);
    bench.lines.add('a', asr, { waitedMs: 10 * 86_400_000 });
    const next = bench.picker.next(never);
    await bench.parked();
    bench.registry.set(instanceOf('asr'));
    const picked = await next;
    expect([nameOf(picked), picked?.hopeless]).toEqual(['a', undefined]);
  });

  it('leaves a job of several engines while all of them are full, whoever else is free', async () => {
    const full = [instanceOf('asr', { inFlight: 2 }), instanceOf('whisperx', { inFlight: 2 })];
    const bench = new Bench([...full, instanceOf('local')]);
    bench.lines.add('a', { engine: 'compare', engines: ['asr', 'whisperx'] });
    bench.lines.add('b', local);
    expect(await bench.next()).toBe('b');
    const next = bench.next();
    await bench.parked();
    bench.registry.set(instanceOf('asr', { inFlight: 2 }), instanceOf('whisperx'));
    expect(await next).toBe('a');
  });

  it('tells everybody who asked that the database is away, and looks again for the next', async () => {
    const bench = new Bench([instanceOf('asr')]);
    bench.lines.add('a', asr);
    bench.lines.failure = new PolyscribeError('dependency_unavailable', 'Away.');
    await expect(bench.next()).rejects.toMatchObject({ code: 'dependency_unavailable' });
    expect(await bench.next()).toBe('a');
  });
});
