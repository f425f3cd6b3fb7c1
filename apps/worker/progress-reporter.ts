import type { JobEventBody } from '#contracts';

/** Share of the whole that each stage ends at, in percent; what lies between is divided by audio done. */
const TRANSCRIBING_FROM = 5;
const TRANSCRIBING_TO = 95;

/** What people are told while an engine works at something. Other words of engines are not shown. */
const engineStages: Readonly<Record<string, string>> = {
  waiting: 'Waiting in the queue of the engine',
  decoding: 'Decoding',
  loading: 'Loading the model',
  transcribing: 'Transcribing',
  aligning: 'Finding the times of words',
  diarizing: 'Telling speakers apart',
  finishing: 'Finishing the transcript',
};

/** The row is written at most that often, and for a job that ends sooner not at all. */
const SAVE_EVERY_MS = 250;

/** A stage that has begun. */
export interface BegunStage {
  readonly name: string;
  readonly agoMs: number;
}

export interface ProgressReport {
  /** 0 to 99, whole; 100 comes with the end of the job. */
  readonly progress: number;
  readonly stage: string;
  readonly message: string;
}

export interface ProgressSinks {
  /** Writes to the job's row, with the stages that have begun since the last time. */
  save(report: ProgressReport & { readonly stages: readonly BegunStage[] }): Promise<unknown>;
  /** Tells subscribers; may hold it back for a moment. */
  publish(event: JobEventBody): Promise<unknown>;
}

/**
 * Follows one attempt at a job in whole percents that never fall. Subscribers are told of each stage and message at once and
 * of mere progress four times a second; the row is written four times a second.
 */
export class ProgressReporter {
  private stage = 'preparing';
  private message = '';
  private highest = 0;
  private told = '';
  private saved = '';
  private savedAt = performance.now();
  private totalMs = 0;
  private readonly doneMs = new Map<number, number>();
  private readonly spansBegun = new Set<number>();
  private engineStage = 'transcribing';
  private begun: { readonly name: string; readonly at: number }[] = [];
  private lastBegun: string | undefined;
  private progressTimer: NodeJS.Timeout | undefined;
  private saveTimer: NodeJS.Timeout | undefined;
  private writing: Promise<void> = Promise.resolve();
  private failure: { readonly error: unknown } | undefined;
  private stopped = false;

  constructor(
    private readonly jobId: string,
    private readonly sinks: ProgressSinks,
    private readonly everyMs = SAVE_EVERY_MS,
  ) {}

  /** The highest percent reported or to be reported next. */
  get percentNow(): number {
    return this.percent();
  }

  /** How much audio there is, as far as is known. */
  get expectedMs(): number {
    return this.totalMs;
  }

  /** Audio that is not done; Infinity while nobody knows how much there is. */
  get remainingMs(): number {
    if (this.totalMs === 0) return Infinity;
    return Math.max(0, this.totalMs - this.doneAudioMs());
  }

  /** Begins a stage. @throws what an earlier report failed with */
  async enter(stage: string, message: string, atLeast = 0): Promise<void> {
    this.stage = stage;
    this.message = message;
    this.highest = Math.max(this.highest, atLeast);
    this.report();
    await this.settled();
  }

  /** Says how much audio there is; may grow while the length is not known. */
  expectAudio(totalMs: number): void {
    this.totalMs = Math.max(this.totalMs, totalMs);
  }

  /** Says how far a span is. A span that is redone begins again, the progress reported stays. */
  audioDone(span: number, ms: number): void {
    this.doneMs.set(span, ms);
    if (this.stopped) return;
    this.progressTimer ??= setTimeout(() => {
      this.progressTimer = undefined;
      this.report();
    }, this.everyMs);
  }

  /**
   * An engine works on a span, and says at what. Shown as the job's stage while the audio is one span; the engines of
   * several would take turns.
   */
  engineWorks(span: number, stage?: string): void {
    this.spansBegun.add(span);
    if (this.spansBegun.size > 1) this.engineStage = 'transcribing';
    else if (stage !== undefined && Object.hasOwn(engineStages, stage)) this.engineStage = stage;
    this.stage = this.engineStage;
    this.say(engineStages[this.engineStage] ?? '');
  }

  /** Replaces the message without changing the stage, such as while waiting for an engine. */
  say(message: string): void {
    if (message === this.message) return;
    this.message = message;
    this.report();
  }

  /** The stages that have begun since the row was last written: whoever writes it next is to write them. */
  takeStages(): BegunStage[] {
    const now = performance.now();
    return this.begun.splice(0).map(({ name, at }) => ({ name, agoMs: now - at }));
  }

  /** Reports nothing more and waits for what is under way. */
  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.progressTimer);
    clearTimeout(this.saveTimer);
    await this.writing;
  }

  private async settled(): Promise<void> {
    await this.writing;
    if (this.failure !== undefined) throw this.failure.error;
  }

  private doneAudioMs(): number {
    return [...this.doneMs.values()].reduce((sum, ms) => sum + ms, 0);
  }

  private percent(): number {
    const done = this.doneAudioMs();
    const share = this.totalMs === 0 ? 0 : Math.min(1, done / this.totalMs);
    const now = done === 0 ? 0 : TRANSCRIBING_FROM + (TRANSCRIBING_TO - TRANSCRIBING_FROM) * share;
    this.highest = Math.min(99, Math.max(this.highest, Math.floor(now)));
    return this.highest;
  }

  private report(): void {
    if (this.stopped) return;
    if (this.stage !== this.lastBegun) this.begun.push({ name: this.stage, at: performance.now() });
    this.lastBegun = this.stage;
    const report = this.current();
    const text = JSON.stringify(report);
    if (text === this.told) return;
    this.told = text;
    this.saveLater();
    const data = { job_id: this.jobId, status: 'processing' as const, ...report };
    this.noteFailure(this.sinks.publish({ type: 'status', data }));
  }

  private current(): ProgressReport {
    return { progress: this.percent(), stage: this.stage, message: this.message };
  }

  private saveLater(): void {
    const waitMs = this.savedAt + this.everyMs - performance.now();
    this.saveTimer ??= setTimeout(
      () => {
        this.saveTimer = undefined;
        this.writing = this.writing.then(() => this.save());
      },
      Math.max(0, waitMs),
    );
  }

  private async save(): Promise<void> {
    const report = this.current();
    const text = JSON.stringify(report);
    if (text === this.saved) return;
    this.saved = text;
    this.savedAt = performance.now();
    try {
      await this.sinks.save({ ...report, stages: this.takeStages() });
    } catch (error) {
      // A lost lease or database shows up at the job's next write as well; the first cause is kept for it.
      this.failure ??= { error };
    }
  }

  private noteFailure(telling: Promise<unknown>): void {
    telling.catch((error: unknown) => {
      this.failure ??= { error };
    });
  }
}
