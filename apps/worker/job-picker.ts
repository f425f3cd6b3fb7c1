import type { JobOptions, PolyscribeError } from '#contracts';
import type { Announcer } from '#job-status';
import type { Claim, JobLineRepository, LineHead, Taken } from '#persistence';
import { over } from '#timing';
import type { EngineDirectory } from './engine-directory.js';
import { type JobOutlook, leastNeeds, outlookOf } from './job-outlook.js';
import type { WorkerSettings } from './worker-settings.js';

/** A job that this worker has now. */
export interface PickedJob {
  readonly claim: Claim;
  /** Why it is to be ended without a try: nobody could serve it for as long as it may wait. */
  readonly hopeless?: PolyscribeError;
  /** Why it is to be put back at once: it was taken for what it has in common with others, and needs more. */
  readonly setback?: PolyscribeError;
  /** To be called when its first engine call begins, or it ends without one: until then a place is kept for it. */
  started(): void;
}

/** Demands of which something is remembered. */
const MOST_DEMANDS = 1_000;
/** What was not looked at for so many looks is no longer known to have lasted. */
const LOOKS_APART = 10;

/** Since when nobody could serve a demand, as far as this worker saw. */
interface Unserved {
  readonly kind: JobOutlook['kind'];
  readonly sinceMs: number;
  readonly seenMs: number;
}

interface Waiter {
  readonly signal: AbortSignal;
  readonly resolve: (picked: PickedJob | undefined) => void;
  readonly reject: (error: unknown) => void;
}

type Look =
  | { readonly kind: 'picked'; readonly picked: readonly PickedJob[] }
  /** No job is due. */
  | { readonly kind: 'nothing' }
  /** Jobs are due and none of them can be served now. */
  | { readonly kind: 'blocked'; readonly demands: readonly JobOptions[] }
  /** The first was not to be had, as it ended meanwhile: others may be behind it. */
  | { readonly kind: 'again' };

/**
 * Finds the next job for each place that this worker has free: the first in fair order that some engine can serve now. Jobs
 * that nobody can serve now stay where they are, use up nothing and stand in nobody's way.
 *
 * However many places are free, one look at a time is under way, so that each sees what the one before took; jobs that are
 * like the last one are taken for all of the places in one step. While nothing
 * can be served, engines are watched: what becomes possible is taken at once. Jobs that came meanwhile are looked for every
 * `lookAgainMs`, since their own news may not reach a worker whose places all wait.
 */
export class JobPicker {
  private readonly waiting = new Set<Waiter>();
  private readonly known = new Map<string, JobOptions>();
  private readonly unserved = new Map<string, Unserved>();
  /** What the job was like that was taken last: the next is most often like it. */
  private latest: { readonly demand: string; readonly options: JobOptions } | undefined;
  private scouting = false;
  private news = new AbortController();

  constructor(
    private readonly lines: Pick<JobLineRepository, 'heads' | 'sampleOf' | 'take' | 'takeNext'>,
    private readonly directory: EngineDirectory,
    private readonly announcer: Pick<Announcer, 'announce'>,
    private readonly workerId: string,
    private readonly settings: WorkerSettings,
  ) {}

  /**
   * @returns undefined when no job is due
   * @throws the signal's reason once it is aborted; PolyscribeError `dependency_unavailable`
   */
  next(signal: AbortSignal): Promise<PickedJob | undefined> {
    return new Promise((resolve, reject) => {
      const onAbort = () => this.news.abort(over);
      const settled = () => signal.removeEventListener('abort', onAbort);
      signal.addEventListener('abort', onAbort, { once: true });
      this.waiting.add({
        signal,
        resolve: (picked) => {
          settled();
          resolve(picked);
        },
        reject: (error: unknown) => {
          settled();
          reject(error instanceof Error ? error : new Error(String(error)));
        },
      });
      this.news.abort(over);
      if (this.scouting) return;
      this.scouting = true;
      // Not at once: other places may have become free at the same moment.
      setImmediate(() => void this.scout());
    });
  }

  private async scout(): Promise<void> {
    for (;;) {
      // Only between looks: one that is under way may have a job for whoever asked.
      this.dismiss(
        [...this.waiting].filter(({ signal }) => signal.aborted),
        ({ reject, signal }) => reject(signal.reason),
      );
      if (this.waiting.size === 0) break;
      this.news = new AbortController();
      const asking = [...this.waiting];
      try {
        await this.answer(asking, await this.look(asking.length));
      } catch (error) {
        this.dismiss(asking, (waiter) => waiter.reject(error));
      }
    }
    // In one go with the last look at who waits: whoever comes next starts another.
    this.scouting = false;
  }

  private async answer(asking: readonly Waiter[], look: Look): Promise<void> {
    if (look.kind === 'picked') {
      for (const [index, picked] of look.picked.entries()) {
        this.dismiss(asking.slice(index, index + 1), (waiter) => waiter.resolve(picked));
      }
    } else if (look.kind === 'nothing') {
      this.dismiss(asking, (waiter) => waiter.resolve(undefined));
    } else if (look.kind === 'blocked') {
      await this.untilServable(look.demands);
    }
  }

  private dismiss(waiters: readonly Waiter[], tell: (waiter: Waiter) => void): void {
    for (const waiter of waiters) {
      this.waiting.delete(waiter);
      tell(waiter);
    }
  }

  private async untilServable(demands: readonly JobOptions[]): Promise<void> {
    const { signal } = this.news;
    const end = performance.now() + this.settings.lookAgainMs * (0.75 + 0.5 * Math.random());
    while (!signal.aborted && performance.now() < end) {
      await this.directory.changed(end - performance.now(), signal);
      if (demands.some((options) => this.outlook(options).kind === 'servable')) return;
    }
  }

  private outlook(options: JobOptions): JobOutlook {
    return outlookOf(options, this.directory.expectation(), this.settings.routing);
  }

  /** @param places that are free: no more jobs are taken */
  private async look(places: number): Promise<Look> {
    const next = await this.takeAlike(places);
    if (next) return next;
    let blocked: JobOptions[] = [];
    // Lines that others have at the moment are passed by at first, and waited for where there is nothing else.
    for (const patience of [false, true]) {
      const heads = await this.lines.heads();
      if (heads.length === 0) return { kind: 'nothing' };
      blocked = [];
      let contended = false;
      for (const head of heads) {
        const options = await this.optionsOf(head);
        const outlook = options && this.outlook(options);
        if (options && outlook && this.mustWait(outlook, head)) {
          blocked.push(options);
          continue;
        }
        const taken = await this.take(head, outlook, patience || heads.length === 1);
        if (taken) return taken;
        contended = true;
      }
      if (!contended) break;
    }
    return { kind: 'blocked', demands: blocked };
  }

  /** Takes the next jobs in one step as long as they are like the last one, and some engine can serve that. */
  private async takeAlike(places: number): Promise<Look | undefined> {
    const { latest } = this;
    this.latest = undefined;
    const kept = latest ? this.keepPlaces(latest.options, places) : [];
    if (!latest || kept.length === 0) return undefined;
    this.unserved.delete(latest.demand);
    const taking = () => this.lines.takeNext(latest.demand, this.workerId, this.settings.leaseMs, kept.length);
    const look = await this.have(taking, kept);
    if (look?.kind === 'picked') this.latest = latest;
    return look;
  }

  /** Keeps as many places as can be had for jobs of those options. */
  private keepPlaces(options: JobOptions, most: number): (() => void)[] {
    const kept: (() => void)[] = [];
    while (kept.length < most) {
      const outlook = this.outlook(options);
      if (outlook.kind !== 'servable') break;
      kept.push(this.keepPlace(outlook.instanceId));
    }
    return kept;
  }

  /**
   * A full engine is waited for however long the line is. What counts for the rest is how long nobody has been able to
   * serve: jobs that stood in a long line for hours are not to end because of an engine that is just being restarted.
   */
  private mustWait({ kind }: JobOutlook, { demand, waitedMs }: LineHead): boolean {
    if (kind === 'servable' || kind === 'busy') {
      this.unserved.delete(demand);
      return kind === 'busy';
    }
    const { jobTimeoutMs, engineWaitMs } = this.settings;
    return Math.min(waitedMs, this.unservedMs(demand, kind)) < (kind === 'away' ? jobTimeoutMs : engineWaitMs);
  }

  private unservedMs(demand: string, kind: JobOutlook['kind']): number {
    const now = performance.now();
    const before = this.unserved.get(demand);
    const lasts = before?.kind === kind && now - before.seenMs < LOOKS_APART * this.settings.lookAgainMs;
    const sinceMs = lasts ? before.sinceMs : now;
    if (!before && this.unserved.size >= MOST_DEMANDS) this.unserved.clear();
    this.unserved.set(demand, { kind, sinceMs, seenMs: now });
    return now - sinceMs;
  }

  /** @returns undefined when the head's lines are empty or with others */
  private async take(head: LineHead, outlook: JobOutlook | undefined, patience: boolean): Promise<Look | undefined> {
    const started = outlook?.kind === 'servable' ? this.keepPlace(outlook.instanceId) : () => undefined;
    const taking = async () => {
      const taken = await this.lines.take(head, this.workerId, this.settings.leaseMs, patience);
      return taken ? [taken] : [];
    };
    const look = await this.have(taking, [started]);
    const [picked] = look?.kind === 'picked' ? look.picked : [];
    if (!picked) return look;
    const { claim } = picked;
    if (outlook && outlook.kind !== 'servable') {
      return { kind: 'picked', picked: [{ claim, hopeless: outlook.error, started }] };
    }
    if (head.isMixed !== true) {
      if (outlook && !head.lost) this.latest = { demand: head.demand, options: claim.job.options };
      return look;
    }
    // Let go first: the place that is kept for it would count as taken.
    started();
    return { kind: 'picked', picked: [this.ofMixedLine(claim)] };
  }

  /** @param kept what lets go of the places that are kept for the jobs, one for each that may be taken */
  private async have(
    taking: () => Promise<readonly Taken[]>,
    kept: readonly (() => void)[],
  ): Promise<Look | undefined> {
    let taken: readonly Taken[] = [];
    try {
      taken = await taking();
    } finally {
      for (const letGo of kept.slice(taken.filter((each) => 'claim' in each).length)) letGo();
    }
    const claims = taken.flatMap((each) => ('claim' in each ? [each.claim] : []));
    const picked = claims.map((claim, index) => ({ claim, started: kept[index] ?? (() => undefined) }));
    for (const each of taken) if ('endedJobId' in each) await this.announceEnd(each.endedJobId, picked.length > 0);
    if (picked.length > 0) return { kind: 'picked', picked };
    return taken.length > 0 ? { kind: 'again' } : undefined;
  }

  /** @param areOthersTaken whether jobs wait to be handed out: then what fails here is left to the reconciler */
  private async announceEnd(jobId: string, areOthersTaken: boolean): Promise<void> {
    try {
      await this.announcer.announce(jobId);
    } catch (error) {
      if (!areOthersTaken) throw error;
    }
  }

  private ofMixedLine(claim: Claim): PickedJob {
    const own = this.outlook(claim.job.options);
    if (own.kind === 'servable') return { claim, started: this.keepPlace(own.instanceId) };
    return { claim, started: () => undefined, ...(own.kind === 'lacking' ? {} : { setback: own.error }) };
  }

  /** A job that is fetched or decoded for long does not keep the engine idle. */
  private keepPlace(instanceId: string): () => void {
    const leave = this.directory.expect(instanceId);
    const timer = setTimeout(leave, this.settings.keepPlaceMs).unref();
    return () => {
      clearTimeout(timer);
      leave();
    };
  }

  /** undefined when nobody of that demand waits any more. */
  private async optionsOf({ demand, isMixed, lost }: LineHead): Promise<JobOptions | undefined> {
    const known = lost?.options ?? this.known.get(demand);
    if (known) return known;
    const sample = await this.lines.sampleOf(demand);
    if (!sample) return undefined;
    const options = isMixed === true ? leastNeeds(sample) : sample;
    if (this.known.size >= MOST_DEMANDS) this.known.clear();
    this.known.set(demand, options);
    return options;
  }
}
