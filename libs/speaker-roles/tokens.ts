/** No word of any language is that long; what is longer says nothing. */
const MAX_WORD_LENGTH = 40;

/** What a question becomes. */
export const QUESTION = '?';

/**
 * The words of a text in lower case without accents and apostrophes, and a token for each question mark: engines differ in
 * how they write `I'm` and `não`. Takes time in proportion to the text.
 */
export function tokensOf(text: string): string[] {
  const plain = text
    .normalize('NFD')
    .replace(/[\p{M}'’‘`]/gu, '')
    .toLowerCase();
  const found = plain.match(/[\p{L}\p{N}]+|[?？]+/gu) ?? [];
  return found.flatMap((token) => {
    if (token.startsWith('?') || token.startsWith('？')) return [QUESTION];
    return token.length > MAX_WORD_LENGTH ? [] : [token];
  });
}
