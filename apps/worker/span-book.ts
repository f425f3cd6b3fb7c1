import type { EngineKind } from '#contracts';
import type { SpanToPlan } from './job-run.js';

/** Who begins a span. */
export interface SpanBegun {
  readonly index: number;
  readonly engine: EngineKind;
  readonly instance: string;
}

/**
 * Writes a job's spans down as they are planned and begun, with one statement for each that begins: what is noted waits for
 * the next beginning and is written with it, in the order in which it was noted. A span that nobody has begun is in no need
 * of a row, as a later attempt plans it again.
 */
export class SpanBook {
  private readonly noted = new Map<number, SpanToPlan>();
  private writing: Promise<unknown> = Promise.resolve();

  /** @param write must have written the spans, and which of them has begun, when it resolves */
  constructor(private readonly write: (spans: readonly SpanToPlan[], begun?: SpanBegun) => Promise<void>) {}

  /** Notes a span, or what has become known of it. */
  note(span: SpanToPlan): void {
    this.noted.set(span.index, span);
  }

  /** Writes that a span has begun, and all that is noted. @throws what writing failed with */
  begin(begun: SpanBegun): Promise<void> {
    return this.inTurn(begun);
  }

  /** Resolves when all that is noted is written. @throws what writing failed with */
  async settle(): Promise<void> {
    await this.writing;
    if (this.noted.size > 0) await this.inTurn();
  }

  /**
   * The same but for that span, where nothing else is noted: whoever writes that it is done writes where it lies.
   *
   * @returns what is noted of it; undefined where that is written
   */
  async settleBut(index: number): Promise<SpanToPlan | undefined> {
    await this.writing;
    const noted = this.noted.get(index);
    if (noted === undefined || this.noted.size > 1) {
      await this.settle();
      return undefined;
    }
    this.noted.delete(index);
    return noted;
  }

  /** One statement after the other: what the first has not written the second must not take for written. */
  private inTurn(begun?: SpanBegun): Promise<void> {
    const turn = this.writing.then(() => this.writeNoted(begun));
    this.writing = turn.catch(() => undefined);
    return turn;
  }

  private async writeNoted(begun?: SpanBegun): Promise<void> {
    const spans = [...this.noted.values()];
    this.noted.clear();
    try {
      await this.write(spans, begun);
    } catch (error) {
      for (const span of spans) if (!this.noted.has(span.index)) this.noted.set(span.index, span);
      throw error;
    }
  }
}
