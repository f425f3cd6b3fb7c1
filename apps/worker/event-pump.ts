import type { JobEventBody } from '#contracts';
import { withDeadline } from '#timing';

/** How long an event waits at most for one that cannot. */
const PATIENCE_MS = 100;

/** Events that wait at most; whoever adds more waits until there is room. */
const MAX_WAITING = 200;

/**
 * Publishes the events of one job in order without making each producer wait for each write: what comes while a write is
 * under way goes out together with the next.
 */
export class EventPump {
  private waiting: JobEventBody[] = [];
  private writing: Promise<void> | undefined;
  private failure: { readonly error: unknown } | undefined;
  private sealed = false;
  /** Whether one of those that wait is to go out now. */
  private hurried = false;
  /** Whether one of them is in more of a hurry than to wait for the end. */
  private isPressing = false;
  private timer: { readonly atMs: number; readonly clock: NodeJS.Timeout } | undefined;

  /** @param lingerMs how long those in a hurry may wait all the same, by now */
  constructor(
    private readonly publish: (events: readonly JobEventBody[]) => Promise<unknown>,
    private readonly lingerMs: () => number = () => 0,
  ) {}

  /**
   * Puts an event in line. Resolves at once while there is room. Does nothing once the pump is sealed.
   *
   * @throws what an earlier write failed with
   */
  async add(event: JobEventBody): Promise<void> {
    await this.put(event, this.lingerMs(), true);
  }

  /** The same for an event that may wait a moment for the next one, to go out together with that. */
  async addPatiently(event: JobEventBody): Promise<void> {
    await this.put(event, PATIENCE_MS, false);
  }

  /** Resolves when everything added so far is written that is in a hurry. @throws what a write failed with */
  async drain(): Promise<void> {
    if (this.isPressing) this.hurry();
    await this.idle();
    this.throwFailure();
  }

  /**
   * Takes nothing more and waits for what is under way, at most `withinMs`; what has not been sent by then is dropped.
   * Whoever seals the pump can tell of an end without an event of the work before coming behind it.
   *
   * @returns what has not been sent and may go out right before the end
   */
  async seal(withinMs: number): Promise<readonly JobEventBody[]> {
    // What a write failed with no longer matters: the work that it belongs to is over.
    return this.sealWhole(withinMs).catch(() => []);
  }

  /** The same where nothing may be missing. @throws what a write failed with, or `dependency_unavailable` */
  async sealWhole(withinMs: number): Promise<readonly JobEventBody[]> {
    this.sealed = true;
    this.dropTimer();
    try {
      await withDeadline(this.idle(), withinMs, 'The event bus does not answer.');
      this.throwFailure();
      return this.waiting;
    } finally {
      this.waiting = [];
    }
  }

  private async put(event: JobEventBody, withinMs: number, isPressing: boolean): Promise<void> {
    this.throwFailure();
    if (this.sealed) return;
    this.waiting.push(event);
    this.isPressing ||= isPressing;
    if (withinMs === 0 || this.waiting.length >= MAX_WAITING) this.hurry();
    else this.hurryWithin(withinMs);
    if (this.waiting.length >= MAX_WAITING) await this.drain();
  }

  private async idle(): Promise<void> {
    while (this.writing !== undefined) await this.writing;
  }

  private hurryWithin(ms: number): void {
    const atMs = performance.now() + ms;
    if (this.timer && this.timer.atMs <= atMs) return;
    this.dropTimer();
    this.timer = { atMs, clock: setTimeout(() => this.hurry(), ms) };
  }

  private hurry(): void {
    // With nothing to do `writeAll` would end, and clear `writing`, before that is set.
    if (this.waiting.length === 0) return;
    this.hurried = true;
    this.writing ??= this.writeAll();
  }

  private dropTimer(): void {
    clearTimeout(this.timer?.clock);
    this.timer = undefined;
  }

  private async writeAll(): Promise<void> {
    try {
      while (this.hurried && this.waiting.length > 0) {
        const batch = this.waiting;
        this.waiting = [];
        this.hurried = false;
        this.isPressing = false;
        this.dropTimer();
        await this.write(batch);
      }
    } catch (error) {
      // After a gap the order would be broken, so nothing more goes out; the job ends with this error at its next event.
      this.failure = { error };
      this.waiting = [];
      this.dropTimer();
    } finally {
      this.writing = undefined;
    }
  }

  /** Asynchronous even where `publish` throws at once: `writing` must be set before `writeAll` can end and clear it. */
  private async write(batch: readonly JobEventBody[]): Promise<void> {
    await this.publish(batch);
  }

  private throwFailure(): void {
    if (this.failure !== undefined) throw this.failure.error;
  }
}
