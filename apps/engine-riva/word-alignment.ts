/** How far ahead in the text a word is looked for. */
const WINDOW = 8;

export interface AlignedWord {
  /** Index of the first token of the text that belongs to the word. */
  readonly token: number;
  /** The word as the text has it, with capitals and punctuation; as Riva gave it where the text has another. */
  readonly text: string;
}

export function tokensOf(text: string): readonly string[] {
  return text.split(/\s+/u).filter((token) => token !== '');
}

/**
 * Finds the words in the text. Words come with or without the text's capitals and punctuation, and where numbers are
 * rewritten the two differ, so words that are not found stay where the one before them ended.
 */
export function alignWords(tokens: readonly string[], words: readonly string[]): readonly AlignedWord[] {
  if (tokens.length === words.length) return tokens.map((text, token) => ({ token, text }));
  const bareTokens = tokens.map(bare);
  let next = 0;
  return words.map((word) => {
    const wanted = bare(word);
    const found = wanted === '' ? -1 : bareTokens.slice(next, next + WINDOW).indexOf(wanted);
    if (found === -1) return { token: Math.min(next, Math.max(tokens.length - 1, 0)), text: word };
    const token = next + found;
    next = token + 1;
    return { token, text: tokens[token] ?? word };
  });
}

/**
 * Finds words in a text without spaces between them; undefined where one is not there. `token` is the character at which a
 * word begins, and what follows it up to the next, such as punctuation, belongs to it.
 */
export function alignCharacters(text: string, words: readonly string[]): readonly AlignedWord[] | undefined {
  const places: number[] = [];
  let next = 0;
  for (const word of words) {
    const place = text.indexOf(word, next);
    if (place === -1) return undefined;
    places.push(place);
    next = place + word.length;
  }
  return places.map((token, index) => ({ token, text: text.slice(token, places[index + 1]).trim() }));
}

function bare(word: string): string {
  return word.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '');
}
