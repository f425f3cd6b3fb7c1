/** One step of an alignment: positions in the two sequences; undefined where one has nothing. */
export interface AlignedPair {
  readonly first: number | undefined;
  readonly second: number | undefined;
}

/**
 * A sequence of slots, each with one place for each of several texts. A text of its own is a sequence of slots with one
 * place.
 */
export interface Slots {
  readonly length: number;
  /** Places in a slot, at least 1. */
  readonly places: number;
  /** The words, slot by slot, as numbers from 0; -1 for an empty place. */
  readonly words: Int32Array;
}

/**
 * One error weighs more than all preferences among alignments with equally many errors, for texts of up to a million
 * words; sums stay far below what a double holds exactly.
 */
const ERROR = 2 ** 20;
/** Of ways with equally many errors the one with the fewest words beside another word has the most words in common. */
const MISMATCH = ERROR + 1;

/** Up to so many cells the whole table of directions is kept: 1 MB. */
const TABLE_CELLS = 2 ** 20;

/** From where the best way reaches a cell. */
const PAIR = 0;
const FIRST = 1;
const SECOND = 2;

/**
 * The alignment of two word sequences with the fewest substitutions, insertions and deletions, and of those the one with
 * the most words in common. Time is the product of the lengths, memory their sum and a megabyte.
 */
export function alignWords(first: readonly string[], second: readonly string[]): AlignedPair[] {
  const numberOf = wordNumbers();
  const [one, other] = [Int32Array.from(first, numberOf), Int32Array.from(second, numberOf)];
  let start = 0;
  while (start < one.length && start < other.length && one[start] === other[start]) start++;
  let end = 0;
  const rest = Math.min(one.length, other.length) - start;
  while (end < rest && one[one.length - 1 - end] === other[other.length - 1 - end]) end++;
  const words = one.subarray(start, one.length - end);
  const middle = alignToSlots({ length: words.length, places: 1, words }, other.subarray(start, other.length - end));
  const same = (length: number, i: number, j: number): AlignedPair[] =>
    Array.from({ length }, (_, n) => ({ first: i + n, second: j + n }));
  const shifted = (position: number | undefined) => (position === undefined ? undefined : position + start);
  return [
    ...same(start, 0, 0),
    ...middle.map((pair) => ({ first: shifted(pair.first), second: shifted(pair.second) })),
    ...same(end, one.length - end, other.length - end),
  ];
}

/**
 * The alignment of a text with slots that has the fewest errors, summed over all places: a word beside another word, beside
 * an empty place, or nothing beside a word. Of equally cheap ways the same one is always taken.
 *
 * Where the table would be large it is halved again and again (D. S. Hirschberg, "A linear space algorithm for computing
 * maximal common subsequences", CACM 18 (6), 1975), which computes each cell about twice.
 *
 * @param text words as numbers
 */
export function alignToSlots(slots: Slots, text: Int32Array): AlignedPair[] {
  const forwards = table(slots, text);
  const aligned: AlignedPair[] = [];
  const open: Part[] = [{ i0: 0, i1: slots.length, j0: 0, j1: text.length }];
  let backwards: Table | undefined;
  for (let part = open.pop(); part !== undefined; part = open.pop()) {
    const { i0, i1, j0, j1 } = part;
    // A single row cannot be halved; its table is as small as the row.
    if (i1 - i0 <= 1 || (i1 - i0 + 1) * (j1 - j0 + 1) <= TABLE_CELLS) {
      for (const pair of alignByTable(forwards, part)) aligned.push(pair);
      continue;
    }
    backwards ??= table(reversed(slots), text.slice().reverse());
    const middle = (i0 + i1) >> 1;
    const cut = cheapestCut(forwards, backwards, part, middle);
    open.push({ i0: middle, i1, j0: cut, j1 }, { i0, i1: middle, j0, j1: cut });
  }
  return aligned;
}

/** The same number for the same word, from 0: numbers compare faster. */
export function wordNumbers(): (word: string) => number {
  const numbers = new Map<string, number>();
  return (word) => {
    const known = numbers.get(word);
    if (known !== undefined) return known;
    numbers.set(word, numbers.size);
    return numbers.size - 1;
  };
}

/** Slots `i0` to `i1` with words `j0` to `j1`, ends excluded. */
interface Part {
  readonly i0: number;
  readonly i1: number;
  readonly j0: number;
  readonly j1: number;
}

/** What the costs of a table come from. */
interface Table {
  readonly slots: Slots;
  readonly text: Int32Array;
  /** For each slot, the cost of a word beside it that is none of its words. */
  readonly mismatch: Float64Array;
  /** For each slot, the cost of nothing beside it. */
  readonly alone: Float64Array;
  /** The cost of a word beside no slot. */
  readonly added: number;
}

function table(slots: Slots, text: Int32Array): Table {
  const { length, places, words } = slots;
  const mismatch = new Float64Array(length);
  const alone = new Float64Array(length);
  for (let i = 0; i < length; i++) {
    let filled = 0;
    for (let place = 0; place < places; place++) if (words[i * places + place] !== -1) filled++;
    mismatch[i] = filled * MISMATCH + (places - filled) * ERROR;
    alone[i] = filled * ERROR;
  }
  return { slots, text, mismatch, alone, added: places * ERROR };
}

function alignByTable(costs: Table, part: Part): AlignedPair[] {
  const { i0, i1, j0, j1 } = part;
  const width = j1 - j0 + 1;
  const steps = new Uint8Array((i1 - i0 + 1) * width);
  steps.fill(SECOND, 1, width);
  lastRow(costs, part, steps);
  const back: AlignedPair[] = [];
  for (let i = i1 - i0, j = j1 - j0; i > 0 || j > 0;) {
    const step = steps[i * width + j];
    if (step !== SECOND) i--;
    if (step !== FIRST) j--;
    back.push({ first: step === SECOND ? undefined : i0 + i, second: step === FIRST ? undefined : j0 + j });
  }
  return back.reverse();
}

/**
 * What it costs to align the part's slots with each number of its first words.
 *
 * @param steps takes the direction from which each cell is reached, row by row, where it is given
 */
function lastRow(costs: Table, { i0, i1, j0, j1 }: Part, steps?: Uint8Array): Float64Array {
  const { text, added } = costs;
  const width = j1 - j0 + 1;
  const row = new Float64Array(width);
  for (let j = 1; j < width; j++) row[j] = j * added;
  for (let i = i0; i < i1; i++) {
    const { places, words } = costs.slots;
    const mismatch = costs.mismatch[i] ?? 0;
    const alone = costs.alone[i] ?? 0;
    const at = (i - i0 + 1) * width;
    let diagonal = row[0] ?? 0;
    let left = diagonal + alone;
    row[0] = left;
    if (steps) steps[at] = FIRST;
    for (let j = 1; j < width; j++) {
      const word = text[j0 + j - 1];
      let paired = diagonal + mismatch;
      for (let place = i * places; place < (i + 1) * places; place++) if (words[place] === word) paired -= MISMATCH;
      diagonal = row[j] ?? 0;
      let least = paired;
      let step: number = PAIR;
      if (diagonal + alone < least) {
        least = diagonal + alone;
        step = FIRST;
      }
      if (left + added < least) {
        least = left + added;
        step = SECOND;
      }
      row[j] = left = least;
      if (steps) steps[at + j] = step;
    }
  }
  return row;
}

/** Where the text is best cut when the slots are cut at `middle`. */
function cheapestCut(forwards: Table, backwards: Table, { i0, i1, j0, j1 }: Part, middle: number): number {
  const [slotCount, wordCount] = [forwards.slots.length, forwards.text.length];
  const towards = lastRow(forwards, { i0, i1: middle, j0, j1 });
  const mirrored = { i0: slotCount - i1, i1: slotCount - middle, j0: wordCount - j1, j1: wordCount - j0 };
  const from = lastRow(backwards, mirrored);
  const costOf = (j: number): number => (towards[j] ?? 0) + (from[j1 - j0 - j] ?? 0);
  let best = 0;
  for (let j = 1; j <= j1 - j0; j++) if (costOf(j) < costOf(best)) best = j;
  return j0 + best;
}

function reversed({ length, places, words }: Slots): Slots {
  // Places of a slot change sides as well, which costs do not look at.
  return { length, places, words: words.slice().reverse() };
}
