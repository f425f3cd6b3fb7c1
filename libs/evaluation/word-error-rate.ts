/** How a transcript differs from what was said. */
export interface WordErrorRate {
  /** (substitutions + insertions + deletions) / referenceWords: 0 is perfect, and it may exceed 1. */
  readonly wer: number;
  readonly substitutions: number;
  /** Words in the transcript that nobody said. */
  readonly insertions: number;
  /** Words that are missing from the transcript. */
  readonly deletions: number;
  readonly referenceWords: number;
}

/** The cheapest way to come from the first words of one text to the first words of the other. */
interface Alignment {
  readonly errors: number;
  readonly substitutions: number;
  readonly insertions: number;
  readonly deletions: number;
}

const nothingYet: Alignment = { errors: 0, substitutions: 0, insertions: 0, deletions: 0 };

/**
 * The words of a text as they are compared: lower case, Unicode compatibility form, without punctuation; a hyphen parts
 * two words and an apostrophe within a word stays. Numbers are left as they are written, so both texts must write them in
 * the same way.
 */
export function normalizedWords(text: string): string[] {
  return text
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[\u2018\u2019\u02bc]/g, "'")
    .replace(/[^\p{L}\p{M}\p{N}']+/gu, ' ')
    .split(' ')
    .map((word) => word.replace(/^'+|'+$/g, ''))
    .filter((word) => word !== '');
}

/**
 * Word error rate of a transcript against the text that was spoken: the least number of word substitutions, insertions
 * and deletions (Levenshtein distance on words) over the number of words spoken.
 *
 * Where nothing was said the rate is the number of words made up. Time is words times words, memory two rows.
 */
export function wordErrorRate(reference: string, transcript: string): WordErrorRate {
  const said = normalizedWords(reference);
  const heard = normalizedWords(transcript);
  const { errors, ...counts } = align(said, heard);
  return { wer: errors / Math.max(1, said.length), ...counts, referenceWords: said.length };
}

function align(said: readonly string[], heard: readonly string[]): Alignment {
  let above: Alignment[] = [nothingYet];
  for (let j = 1; j <= heard.length; j++) above.push(inserted(above[j - 1] ?? nothingYet));
  for (const word of said) {
    let left = deleted(above[0] ?? nothingYet);
    const row = [left];
    for (const [j, other] of heard.entries()) {
      left = cheapest(above[j] ?? nothingYet, above[j + 1] ?? nothingYet, left, word === other);
      row.push(left);
    }
    above = row;
  }
  return above.at(-1) ?? nothingYet;
}

/** One cell of the table from its three neighbours; of equal ways a match or substitution is taken. */
function cheapest(diagonal: Alignment, above: Alignment, left: Alignment, same: boolean): Alignment {
  const across = same ? diagonal : substituted(diagonal);
  if (across.errors <= above.errors + 1 && across.errors <= left.errors + 1) return across;
  return above.errors <= left.errors ? deleted(above) : inserted(left);
}

function substituted(from: Alignment): Alignment {
  return { ...from, errors: from.errors + 1, substitutions: from.substitutions + 1 };
}

function inserted(from: Alignment): Alignment {
  return { ...from, errors: from.errors + 1, insertions: from.insertions + 1 };
}

function deleted(from: Alignment): Alignment {
  return { ...from, errors: from.errors + 1, deletions: from.deletions + 1 };
}
