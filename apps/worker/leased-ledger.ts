import type { FailedAttempt, MediaObject, TranscriptSegment } from '#contracts';
import type { Claim, JobLeaseRepository, LastSpan, NotedFacts } from '#persistence';
import type { EventPump } from './event-pump.js';
import type { JobLedger, SpanResult, SpanToPlan } from './job-run.js';
import type { LeaseKeeper } from './lease-keeper.js';
import { SpanBook } from './span-book.js';
import type { Settlement } from './span-joints.js';

/** For how long a finished span may wait for the end of its job. */
const LAST_SPAN_MS = 50;
/** For how long what the headers say may wait for it. */
const FACTS_MS = 250;

/** What is to be written with the end of a job. */
interface Kept {
  readonly span: LastSpan | undefined;
  readonly facts: NotedFacts | undefined;
}

/** The record of a claimed job: what is soon followed by the end of the job waits for that, to be written in one commit. */
export class LeasedLedger implements JobLedger {
  media: MediaObject | undefined;
  private readonly book = new SpanBook((spans, begun) =>
    this.write(() => this.leases.planSpans(this.claim.lease, spans, begun)),
  );

  /** Spans that are planned and not done, and those that are done. */
  private readonly open: Set<number>;
  private readonly done = new Set<number>();
  private last: { readonly span: LastSpan; readonly timer: NodeJS.Timeout } | undefined;
  private writingLast: Promise<void> | undefined;
  private facts: { readonly noted: NotedFacts; readonly timer?: NodeJS.Timeout } | undefined;
  private writingFacts: Promise<void> | undefined;

  constructor(
    private readonly claim: Pick<Claim, 'lease' | 'spans'> & { readonly job: Pick<Claim['job'], 'media' | 'options'> },
    private readonly keeper: Pick<LeaseKeeper, 'assertHeld'>,
    private readonly leases: JobLeaseRepository,
    private readonly events: Pick<EventPump, 'drain'>,
    private readonly onFirstCall: () => void,
  ) {
    this.media = claim.job.media;
    this.open = new Set(claim.spans.filter(({ state }) => state !== 'done').map(({ index }) => index));
  }

  async recordMedia(media: MediaObject): Promise<void> {
    await this.write(() => this.leases.recordMedia(this.claim.lease, media));
    this.media = media;
  }

  planSpan(span: SpanToPlan): void {
    if (!this.done.has(span.index)) this.open.add(span.index);
    this.book.note(span);
  }

  settlePlans(): Promise<void> {
    return this.book.settle();
  }

  async startSpan(index: number, by: Parameters<JobLedger['startSpan']>[1]): Promise<void> {
    this.onFirstCall();
    await this.flushSpan();
    await this.book.begin({ index, ...by });
  }

  async recordFailedAttempt(attempt: FailedAttempt): Promise<void> {
    await this.write(() => this.leases.recordFailedAttempt(this.claim.lease, attempt));
  }

  /**
   * The last span that is known waits for a moment for the end of the job, which can take it along in one commit. Until that
   * is written nothing is told that is not also told by a span that was cut short.
   */
  async commitSpan(result: SpanResult, { segments, neighbours, joined }: Omit<Settlement, 'final'>): Promise<void> {
    const { index, engine, instance, model, language, warnings } = result;
    const span = { index, segments, engine, instance, model, language, warnings };
    this.open.delete(index);
    this.done.add(index);
    const place = await this.book.settleBut(index);
    await this.flushSpan();
    const placed = place ? { ...span, place } : span;
    if (this.open.size === 0 && neighbours.length + joined.length === 0 && !this.claim.job.options.enableDiarization) {
      const timer = setTimeout(() => void this.flushSpan().catch(() => undefined), LAST_SPAN_MS);
      this.last = { span: placed, timer };
      return;
    }
    await this.commit({ ...placed, neighbours, joined });
  }

  /** Notes what the headers of the recording say. */
  noteFacts(facts: NotedFacts): void {
    const noted = { ...this.facts?.noted, ...facts };
    const timer = this.facts?.timer ?? setTimeout(() => void this.flushFacts(), FACTS_MS);
    this.facts = { noted, timer };
  }

  /** What is not written; whoever takes it writes it. @throws what writing a span before failed with */
  async takeRest(): Promise<Kept> {
    const span = this.takeLast();
    clearTimeout(this.facts?.timer);
    await this.writingLast;
    await this.writingFacts;
    return { span, facts: this.takeFacts() };
  }

  /** Writes what waits for the end of the job. @throws what that failed with for a span, also to whoever asks later */
  async flush(): Promise<void> {
    await this.flushSpan();
    await this.flushFacts();
  }

  private async flushSpan(): Promise<void> {
    const last = this.takeLast();
    if (last) this.writingLast = this.commit(last);
    await this.writingLast;
  }

  private async flushFacts(): Promise<void> {
    const facts = this.takeFacts();
    if (facts) this.writingFacts = this.writeFacts(facts);
    await this.writingFacts;
  }

  /** Never fails: what could not be written goes with the end, for which nobody gives up the work that came between. */
  private async writeFacts(facts: NotedFacts): Promise<void> {
    try {
      await this.write(() => this.leases.recordFacts(this.claim.lease, facts));
    } catch {
      this.facts = { ...this.facts, noted: { ...facts, ...this.facts?.noted } };
    }
  }

  private takeLast(): LastSpan | undefined {
    const { last } = this;
    this.last = undefined;
    clearTimeout(last?.timer);
    return last?.span;
  }

  private takeFacts(): NotedFacts | undefined {
    const { facts } = this;
    this.facts = undefined;
    clearTimeout(facts?.timer);
    return facts?.noted;
  }

  async segmentsOf(spans: readonly number[]): Promise<TranscriptSegment[]> {
    await this.flushSpan();
    return this.leases.segmentsOf(this.claim.lease, spans);
  }

  /** Only once the span's text is told: what is done is not told again. */
  private async commit({ index, ...result }: LastSpan & Partial<Settlement>): Promise<void> {
    await this.events.drain();
    await this.write(() => this.leases.commitSpan(this.claim.lease, index, result));
  }

  /** The database would refuse a stale token as well; a step that only we can see is not even begun. */
  async write<T>(step: () => Promise<T>): Promise<T> {
    this.keeper.assertHeld();
    return step();
  }
}
