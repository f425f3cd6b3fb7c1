import {
  type Comparison,
  type ComparisonRun,
  type EngineKind,
  PolyscribeError,
  type TranscriptSegment,
  type TranscriptWarning,
} from '#contracts';
import { agreementOf, Evaluator, JointStretch, type PairCount } from '#evaluation';
import type { LaneEnd } from '#persistence';
import type { Attempt } from './attempt.js';
import { jobIndex, type LanePlace, ownIndex } from './joint-lanes.js';
import { type DoneSpan, summarize, type TranscriptSummary } from './transcript-summary.js';

/** A lane that went through the whole recording, or why it did not. */
export interface LaneOutcome {
  readonly lane: number;
  readonly engine: EngineKind;
  readonly done: readonly DoneSpan[];
  /** Its spans that hear the end of the one before as well. */
  readonly overlapping: ReadonlySet<number>;
  readonly failure?: PolyscribeError;
}

/** Joins what several engines wrote of one recording into the job's own text, and says how they differ. */
export class JointSummary {
  constructor(private readonly evaluator: Evaluator) {}

  /**
   * Goes stretch by stretch, so that memory holds one stretch of text and the differences. Doing it again after a crash
   * gives the same.
   *
   * @throws LeaseLostError
   */
  async make(
    { job, joint }: Attempt,
    outcomes: readonly LaneOutcome[],
    channels: number,
    warnings: readonly TranscriptWarning[],
    signal: AbortSignal,
  ): Promise<TranscriptSummary> {
    const good = outcomes.filter(({ failure }) => failure === undefined);
    const [first] = good;
    if (!first) throw new PolyscribeError('internal', 'No lane of the job came to an end.');
    const places = good.map(({ lane }): LanePlace => ({ lane, lanes: outcomes.length, channels }));
    const tally = new Tally(good.map(({ engine }) => engine));
    for (const stretch of stretchesOf(first, { lane: first.lane, lanes: outcomes.length, channels })) {
      const spans = places.map((place) => stretch.map((own) => jobIndex(own, place)));
      const segments = await joint.segments(spans.flat());
      const lanes = good.map(({ engine }, n) => ({
        engine,
        segments: segments.filter(({ span }) => spans[n]?.includes(span) === true),
      }));
      const side = new JointStretch(lanes);
      const network = await this.evaluator.run({ kind: 'network', hypotheses: side.forms }, signal);
      const [own = []] = spans;
      const isVote = job.options.engine === 'consensus';
      const settled = isVote ? side.consensus(network, own[0] ?? 0) : side.first(network);
      for (const index of own) {
        await joint.settle(
          index,
          settled.filter(({ span }) => span === index),
        );
      }
      tally.add(side.pairs(network), side.diff(network), settled);
    }
    const ends = good.map((outcome): LaneEnd => endOf(outcome, summarize(job, outcome.done, [])));
    await joint.end(ends, tally.comparison());
    const source = good.find(({ engine }) => engine === tally.mostUsed()) ?? first;
    const summary = summarize(job, source.done, [...warnings, ...missing(outcomes)]);
    return { ...summary, engineUsed: source.engine };
  }
}

/**
 * The spans of a lane, by their places in it, in the pieces in which texts are compared: one span each, or several where
 * speech runs on over the cuts, since engines may see the words there on different sides of them.
 */
function stretchesOf({ done, overlapping }: LaneOutcome, place: LanePlace): number[][] {
  const own = done.flatMap(({ index }) => ownIndex(index, place) ?? []);
  const { channels } = place;
  const inOrder = own.toSorted((a, b) => (a % channels) - (b % channels) || a - b);
  const stretches: number[][] = [];
  for (const index of inOrder) {
    const before = stretches.at(-1);
    if (before?.at(-1) === index - channels && overlapping.has(jobIndex(index, place))) before.push(index);
    else stretches.push([index]);
  }
  return stretches;
}

function endOf({ lane, engine }: LaneOutcome, { model, language, warnings }: TranscriptSummary): LaneEnd {
  return { lane, engine, model, language, warnings };
}

function missing(outcomes: readonly LaneOutcome[]): TranscriptWarning[] {
  return outcomes.flatMap(({ engine, failure }) =>
    failure ? [{ code: 'engine_failed', message: `${engine} took no part: ${failure.code}: ${failure.message}` }] : [],
  );
}

/** Adds up what the stretches of a recording say. */
class Tally {
  private pairs: PairCount[] = [];
  private readonly diff: ComparisonRun[] = [];
  private readonly wordsFrom = new Map<EngineKind, number>();

  constructor(private readonly engines: readonly EngineKind[]) {}

  add(pairs: readonly PairCount[], diff: readonly ComparisonRun[], settled: readonly TranscriptSegment[]): void {
    this.pairs = pairs.map((pair, n) => {
      const before = this.pairs[n];
      return { ...pair, same: pair.same + (before?.same ?? 0), slots: pair.slots + (before?.slots ?? 0) };
    });
    this.diff.push(...diff);
    for (const { engine } of settled.flatMap(({ words = [] }) => words)) {
      if (engine !== undefined) this.wordsFrom.set(engine, (this.wordsFrom.get(engine) ?? 0) + 1);
    }
  }

  comparison(): Comparison {
    const pairs = this.pairs.flatMap(({ first, second, ...count }) => {
      const [one, other] = [this.engines[first], this.engines[second]];
      return one && other ? [{ engines: [one, other] as const, agreement: rounded(agreementOf(count)) }] : [];
    });
    const sum = pairs.reduce((total, { agreement }) => total + agreement, 0);
    return {
      engines: this.engines,
      agreement: pairs.length === 0 ? 1 : rounded(sum / pairs.length),
      pairs,
      diff: this.diff,
    };
  }

  /** The engine that most words of a voted text are from; undefined where there was no vote. */
  mostUsed(): EngineKind | undefined {
    const most = Math.max(...this.wordsFrom.values());
    return this.engines.find((engine) => this.wordsFrom.get(engine) === most);
  }
}

/** Four places say more than any comparison of speech. */
function rounded(share: number): number {
  return Math.round(share * 10_000) / 10_000;
}
