/** A word of a text as it is shown, and as it is compared. */
export interface ComparedWord {
  readonly text: string;
  readonly form: string;
}

/** What does not count when texts are compared. */
export interface WordRules {
  /** Upper and lower case count as the same. */
  readonly ignoreCase: boolean;
  /** Punctuation is left out; without this it stays part of its word. */
  readonly ignorePunctuation: boolean;
}

export const defaultWordRules: WordRules = { ignoreCase: true, ignorePunctuation: true };

const letters = String.raw`\p{L}\p{M}\p{N}'\u2018\u2019\u02bc`;
/** A stretch of letters with the punctuation around it. */
const spelled = new RegExp(`[^${letters}]*[${letters}]+[^${letters}]*`, 'gu');

/**
 * The words of a text as they are compared: lower case, Unicode compatibility form, without punctuation; a hyphen parts
 * two words and an apostrophe within a word stays. Numbers are left as they are written, so both texts must write them in
 * the same way.
 */
export function normalizedWords(text: string): string[] {
  return wordForms(text, defaultWordRules);
}

/** The words of a text, each beside its compared form; what has no letter and no digit is left out. */
export function comparedWords(text: string, rules: WordRules = defaultWordRules): ComparedWord[] {
  return text.split(/\s+/u).flatMap((chunk) => wordsOfChunk(chunk, rules));
}

function wordsOfChunk(chunk: string, rules: WordRules): ComparedWord[] {
  const forms = wordForms(chunk, rules);
  const [only] = forms;
  if (only === undefined) return [];
  if (forms.length === 1) return [{ text: chunk, form: only }];
  const pieces = chunk.match(spelled) ?? [];
  // Composing characters can move a border; then a word shows as it is compared.
  return forms.map((form, index) => ({ text: pieces.length === forms.length ? (pieces[index] ?? form) : form, form }));
}

/** The words of a text as they are compared by these rules. */
export function wordForms(text: string, { ignoreCase, ignorePunctuation }: WordRules): string[] {
  const composed = text.normalize('NFKC').replace(/[\u2018\u2019\u02bc]/g, "'");
  const cased = ignoreCase ? composed.toLowerCase() : composed;
  if (!ignorePunctuation) return cased.split(/\s+/u).filter((word) => word !== '');
  return cased
    .replace(/[^\p{L}\p{M}\p{N}']+/gu, ' ')
    .split(' ')
    .map(withoutQuotes)
    .filter((word) => word !== '');
}

/** Goes inwards from both ends: an expression would look at quotes within the word once for each of them. */
function withoutQuotes(word: string): string {
  let [start, end] = [0, word.length];
  while (start < end && word[start] === "'") start++;
  while (end > start && word[end - 1] === "'") end--;
  return word.slice(start, end);
}
