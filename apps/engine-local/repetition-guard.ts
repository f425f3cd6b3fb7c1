/** Longest phrase, in tokens, whose repetition is looked for. */
const MAX_PHRASE_TOKENS = 24;

/** A phrase must come back at least so often: people do say things four times. */
const MIN_REPEATS = 6;

/** And the repeats together must be at least so long: "no, no, no, no, no, no" is speech. */
const MIN_LOOP_TOKENS = 24;

/**
 * Finds the loop into which greedy decoding can fall: the tokens end with one phrase said over and over.
 *
 * @returns how many tokens to keep (everything before the loop and the phrase once), or undefined when there is none.
 *   Looks at the end only, so it costs little when called after each token.
 */
export function findRepetition(tokens: readonly number[]): number | undefined {
  for (let phrase = 1; phrase <= MAX_PHRASE_TOKENS; phrase++) {
    const loop = Math.max(MIN_REPEATS * phrase, MIN_LOOP_TOKENS);
    if (tokens.length < loop) continue;
    if (!repeatsEvery(tokens, phrase, loop)) continue;
    let start = tokens.length - loop;
    while (start > 0 && tokens[start - 1] === tokens[start - 1 + phrase]) start--;
    return start + phrase;
  }
  return undefined;
}

function repeatsEvery(tokens: readonly number[], phrase: number, loop: number): boolean {
  for (let i = tokens.length - loop; i + phrase < tokens.length; i++) {
    if (tokens[i] !== tokens[i + phrase]) return false;
  }
  return true;
}
