import tokenizer from 'llama-tokenizer-js';

/** Ids below are the tokenizer's own marks (unknown, start, end). */
const FIRST_TEXT_TOKEN = 3;
/** Size of Llama's vocabulary; what Moonshine has above it are marks of its own. */
const TEXT_TOKENS = 32_000;

/** The text of Moonshine's tokens, trimmed. They are those of Llama's first tokenizer. */
export function detokenize(tokens: readonly number[]): string {
  const text = tokens.filter((token) => token >= FIRST_TEXT_TOKEN && token < TEXT_TOKENS);
  return tokenizer.decode(text, false, false).trim();
}
