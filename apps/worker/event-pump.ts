import type { JobEventBody } from '#contracts';
import { withDeadline } from '#timing';

/** How long an event waits at most for one that cannot. */
const PATIENCE_MS = 50;

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
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly publish: (events: readonly JobEventBody[]) => Promise<unknown>) {}

  /**
   * Puts an event in line. Resolves at once while there is room. Does nothing once the pump is sealed.
   *
   * @throws what an earlier write failed with
   */
  async add(event: JobEventBody): Promise<void> {
    this.throwFailure();
    if (this.sealed) return;
    this.waiting.push(event);
    this.hurry();
    if (this.waiting.length >= MAX_WAITING) await this.drain();
  }

  /** The same for an event that may wait a moment for the next one, to go out together with that. */
  async addPatiently(event: JobEventBody): Promise<void> {
    this.throwFailure();
    if (this.sealed) return;
    this.waiting.push(event);
    this.timer ??= setTimeout(() => this.hurry(), PATIENCE_MS);
    if (this.waiting.length < MAX_WAITING) return;
    this.hurry();
    await this.drain();
  }

  /** Resolves when everything added so far is written that is in a hurry. @throws what a write failed with */
  async drain(): Promise<void> {
    while (this.writing !== undefined) await this.writing;
    this.throwFailure();
  }

  /**
   * Takes nothing more and waits for what is under way, at most `withinMs`; what has not been sent by then is dropped.
   * Whoever seals the pump can tell of an end without an event of the work before coming behind it.
   *
   * @returns what was in no hurry and may go out right before the end
   */
  async seal(withinMs: number): Promise<readonly JobEventBody[]> {
    this.sealed = true;
    this.dropTimer();
    // What a write failed with no longer matters: the work that it belongs to is over.
    const isWhole = await withDeadline(this.drain(), withinMs, 'The event bus does not answer.').then(
      () => true,
      () => false,
    );
    const left = isWhole ? this.waiting : [];
    this.waiting = [];
    return left;
  }

  private hurry(): void {
    this.hurried = true;
    this.writing ??= this.writeAll();
  }

  private dropTimer(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  private async writeAll(): Promise<void> {
    try {
      while (this.hurried && this.waiting.length > 0) {
        const batch = this.waiting;
        this.waiting = [];
        this.hurried = false;
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
