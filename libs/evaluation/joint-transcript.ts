import type { ComparisonRun, EngineKind, TranscriptSegment, TranscriptWord } from '#contracts';
import { networkRuns, type PairCount, pairCounts } from './agreement.js';
import { type SpokenWord, spokenWords } from './segment-words.js';
import { defaultVoteRules, type Elected, vote, type VoteRules } from './vote.js';
import type { WordNetwork } from './word-network.js';

/** What one engine made of a stretch of audio. */
export interface LaneSegments {
  readonly engine: EngineKind;
  /** In time order. */
  readonly segments: readonly TranscriptSegment[];
}

/** A new segment of a voted text begins at such a pause, whoever heard the words around it. */
const PAUSE_MS = 2_000;

/** What several engines made of one stretch of audio, preferred first, to be set side by side. */
export class JointStretch {
  readonly words: readonly (readonly SpokenWord[])[];
  /** The words as they are compared: what `wordNetwork` takes. */
  readonly forms: readonly (readonly string[])[];

  constructor(private readonly lanes: readonly LaneSegments[]) {
    this.words = lanes.map(({ segments }) => spokenWords(segments));
    this.forms = this.words.map((words) => words.map(({ form }) => form));
  }

  /** Where each two of them agree. */
  pairs(network: WordNetwork): PairCount[] {
    return pairCounts(network, this.forms);
  }

  /** Where all agree and where not, in the order of the words. */
  diff(network: WordNetwork): ComparisonRun[] {
    const channel = this.lanes.flatMap(({ segments }) => segments)[0]?.channel;
    return networkRuns(network, this.forms).map(({ agreed, slots }): ComparisonRun => {
      const words = slots.flatMap((slot) => slot.flatMap((word, lane) => this.wordAt(lane, word) ?? []));
      return {
        startMs: Math.min(...words.map(({ startMs }) => startMs)),
        endMs: Math.max(...words.map(({ endMs }) => endMs)),
        ...(channel === undefined ? {} : { channel }),
        agreed,
        texts: this.lanes.map((_, lane) =>
          slots.flatMap((slot) => this.wordAt(lane, slot[lane])?.text ?? []).join(' '),
        ),
      };
    });
  }

  /**
   * The text that wins word by word, in segments as the first engine that heard anything cut them. Every word has the
   * engine that it is taken from, with that engine's spelling, times and confidence; speakers are those that the first
   * engine tells apart that tells any.
   *
   * @param span the span that the segments are to belong to
   */
  consensus(network: WordNetwork, span: number, rules: VoteRules = defaultVoteRules): TranscriptSegment[] {
    const base = Math.max(
      0,
      this.words.findIndex((words) => words.length > 0),
    );
    const tags = this.speakersBySlot(network);
    const channel = this.lanes[base]?.segments[0]?.channel;
    const groups: { readonly segment: number; readonly tag: number | undefined; readonly words: TranscriptWord[] }[] =
      [];
    let segment = 0;
    for (const elected of vote(network, this.words, rules)) {
      segment = this.wordAt(base, network[elected.slot]?.[base])?.segment ?? segment;
      const tag = tags?.[elected.slot];
      const before = groups.at(-1);
      const word = this.electedWord(elected, tag, before?.words.at(-1));
      if (!word) continue;
      if (before?.segment === segment && before.tag === tag && !isPause(before.words, word)) {
        before.words.push(word);
      } else groups.push({ segment, tag, words: [word] });
    }
    return groups.map(({ tag, words }, n) => ({
      id: `${span}-v${n}`,
      span,
      startMs: words[0]?.startMs ?? 0,
      endMs: Math.max(...words.map(({ endMs }) => endMs)),
      text: words.map(({ text }) => text).join(' '),
      ...(tag === undefined ? {} : { speakerTag: tag }),
      ...(channel === undefined ? {} : { channel }),
      words,
    }));
  }

  /** The first engine's segments; where it knows no speakers, with those of the first engine that does. */
  first(network: WordNetwork): readonly TranscriptSegment[] {
    const segments = this.lanes[0]?.segments ?? [];
    if (segments.some(hasSpeaker)) return segments;
    const tags = this.speakersBySlot(network);
    if (!tags) return segments;
    const heard = segments.map((): number[] => []);
    for (const [index, slot] of network.entries()) {
      const tag = tags[index];
      const word = this.wordAt(0, slot[0]);
      if (word && tag !== undefined) heard[word.segment]?.push(tag);
    }
    return segments.map((segment, index) => {
      const tag = mostFrequent(heard[index] ?? []);
      return tag === undefined ? segment : { ...segment, speakerTag: tag };
    });
  }

  private wordAt(lane: number, position: number | undefined): SpokenWord | undefined {
    return position === undefined ? undefined : this.words[lane]?.[position];
  }

  private electedWord(
    { hypothesis, word }: Elected,
    tag: number | undefined,
    before: TranscriptWord | undefined,
  ): TranscriptWord | undefined {
    const source = this.wordAt(hypothesis, word);
    const engine = this.lanes[hypothesis]?.engine;
    if (!source || engine === undefined) return undefined;
    // Engines differ by fractions of a second; time must not run backwards where the text goes from one to another.
    const startMs = Math.max(source.startMs, before?.startMs ?? 0);
    return {
      text: source.text,
      startMs,
      endMs: Math.max(startMs, source.endMs),
      ...(source.confidence === undefined ? {} : { confidence: source.confidence }),
      ...(tag === undefined ? {} : { speakerTag: tag }),
      ...(source.interpolated === undefined ? {} : { interpolated: source.interpolated }),
      engine,
    };
  }

  /** Who speaks at each slot by the first engine that tells; undefined where none does. */
  private speakersBySlot(network: WordNetwork): (number | undefined)[] | undefined {
    const lane = this.lanes.findIndex(({ segments }) => segments.some(hasSpeaker));
    if (lane === -1) return undefined;
    let tag = this.words[lane]?.find(({ speakerTag }) => speakerTag !== undefined)?.speakerTag;
    return network.map((slot) => (tag = this.wordAt(lane, slot[lane])?.speakerTag ?? tag));
  }
}

function hasSpeaker({ speakerTag, words = [] }: TranscriptSegment): boolean {
  return speakerTag !== undefined || words.some((word) => word.speakerTag !== undefined);
}

function isPause(words: readonly TranscriptWord[], next: TranscriptWord): boolean {
  return next.startMs - (words.at(-1)?.endMs ?? next.startMs) >= PAUSE_MS;
}

/** The first of those that are given most often. */
function mostFrequent(values: readonly number[]): number | undefined {
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  let best: number | undefined;
  for (const [value, count] of counts) if (best === undefined || count > (counts.get(best) ?? 0)) best = value;
  return best;
}
