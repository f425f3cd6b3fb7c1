/** A run of untagged words of that length within a text that also has tagged ones counts as a speaker, labelled 0. */
const LEAST_RUN = 4;
/** A whole text without tags, too, when it has that many words: one word may just have escaped the diarizer. */
const LEAST_TEXT = 2;

/**
 * Turns Riva's speaker labels into numbers from 0 in order of first speech. By the documentation labels begin at 1 and 0
 * stands for nobody, but some releases label the first speaker 0, so a 0 is judged by its company: a few words among
 * others are a gap and go to the speaker before them (or after, at the beginning); a long run, or a whole text, is a speaker. Once
 * that was seen every 0 of the call is.
 */
export class SpeakerTags {
  private readonly numbers = new Map<number, number>();
  private last: number | undefined;
  private zeroSpeaks = false;

  /** Whether Riva ever told who speaks, or at least that somebody else does. */
  get toldApart(): boolean {
    return this.numbers.size > 1 || (this.numbers.size === 1 && !this.numbers.has(0));
  }

  /** The speaker before, for text without words; undefined when nobody is known yet. */
  get current(): number | undefined {
    return this.last;
  }

  /** @param labels of the words of one text, in order */
  number(labels: readonly number[]): readonly number[] {
    this.zeroSpeaks ||= this.isZeroSpeaker(labels);
    const known = this.zeroSpeaks ? labels : filled(labels, this.labelOf(this.last));
    const numbers = known.map((label) => this.numberOf(label));
    this.last = numbers.at(-1) ?? this.last;
    return numbers;
  }

  private isZeroSpeaker(labels: readonly number[]): boolean {
    if (labels.every((label) => label === 0)) return labels.length >= LEAST_TEXT || this.last === undefined;
    let run = 0;
    for (const label of labels) {
      run = label === 0 ? run + 1 : 0;
      if (run >= LEAST_RUN) return true;
    }
    return false;
  }

  private numberOf(label: number): number {
    const number = this.numbers.get(label) ?? this.numbers.size;
    this.numbers.set(label, number);
    return number;
  }

  private labelOf(number: number | undefined): number | undefined {
    return [...this.numbers].find(([, known]) => known === number)?.[0];
  }
}

/** Each 0 becomes the label before it within the text, the first ones the label after them, or the text before's. */
function filled(labels: readonly number[], before: number | undefined): readonly number[] {
  let last = labels.find((label) => label !== 0) ?? before ?? 0;
  return labels.map((label) => {
    if (label !== 0) last = label;
    return last;
  });
}
