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

/** Shortest time between two reports that differ only in progress. */
const REPORT_EVERY_MS = 250;

export interface ProgressReport {
  /** 0 to 99, whole; 100 comes with the end of the job. */
  readonly progress: number;
  readonly stage: string;
  readonly message: string;
}

export interface ProgressSinks {
  /** Writes to the job's row. */
  save(report: ProgressReport): Promise<unknown>;
  /** Tells subscribers. */
  publish(event: JobEventBody): Promise<unknown>;
}

/**
 * Follows one attempt at a job and reports whole percents, never falling, at most four times a second.
 */
export class ProgressReporter {
  private stage = 'preparing';
  private message = '';
  private highest = 0;
  private reported = '';
  private totalMs = 0;
  private readonly doneMs = new Map<number, number>();
  private readonly spansBegun = new Set<number>();
  private engineStage = 'transcribing';
  private timer: NodeJS.Timeout | undefined;
  private writing: Promise<void> = Promise.resolve();
  private failure: { readonly error: unknown } | undefined;
  private stopped = false;

  constructor(
    private readonly jobId: string,
    private readonly sinks: ProgressSinks,
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

  /** Begins a stage and reports it at once. @throws what an earlier report failed with */
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
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      this.report();
    }, REPORT_EVERY_MS);
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

  /** Reports nothing more and waits for what is under way. */
  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
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
    const report = { progress: this.percent(), stage: this.stage, message: this.message };
    const text = JSON.stringify(report);
    if (text === this.reported) return;
    this.reported = text;
    this.writing = this.writing.then(() => this.write(report));
  }

  private async write(report: ProgressReport): Promise<void> {
    try {
      await this.sinks.save(report);
      await this.sinks.publish({ type: 'status', data: { job_id: this.jobId, status: 'processing', ...report } });
    } catch (error) {
      // A lost lease or database shows up at the job's next write as well; the first cause is kept for it.
      this.failure ??= { error };
    }
  }
}
