/** How a made-up engine mishears. Shares of the words, 0 to 1. */
export interface Noise {
  readonly substitutions: number;
  readonly deletions: number;
  readonly insertions: number;
  /** Words that are known to sound alike; it takes one of them where it can. */
  readonly confusions?: ReadonlyMap<string, readonly string[]>;
}

export interface NoisyWord {
  readonly form: string;
  readonly confidence?: number;
}

/** What an engine with known errors would hear of a text; the same for the same numbers. */
export function noisyHypothesis(
  words: readonly string[],
  noise: Noise,
  random: () => number,
  withConfidence: boolean,
): NoisyWord[] {
  const word = (form: string, isRight: boolean): NoisyWord =>
    withConfidence ? { form, confidence: confidenceOf(isRight, random) } : { form };
  return words.flatMap((said) => {
    const heard: NoisyWord[] = [];
    const draw = random();
    if (draw < noise.deletions) heard.length = 0;
    else if (draw < noise.deletions + noise.substitutions)
      heard.push(word(misheard(said, words, noise, random), false));
    else heard.push(word(said, true));
    if (random() < noise.insertions) heard.push(word(words[Math.floor(random() * words.length)] ?? said, false));
    return heard;
  });
}

/** Half of what is misheard is misheard as something near, so that engines share errors now and then as real ones do. */
function misheard(said: string, words: readonly string[], { confusions }: Noise, random: () => number): string {
  const near = confusions?.get(said) ?? [`${said}s`, said.slice(0, -1) || 'a'];
  if (random() < 0.5) return near[Math.floor(random() * near.length)] ?? said;
  return words[Math.floor(random() * words.length)] ?? said;
}

/** Engines are surer of what is right, but not always. */
function confidenceOf(isRight: boolean, random: () => number): number {
  const mean = (random() + random() + random()) / 3;
  return isRight ? 0.55 + 0.45 * mean : 0.2 + 0.6 * mean;
}

/** Numbers from 0 to 1 that a seed decides (G. Marsaglia, "Xorshift RNGs", 2003, the 32-bit one). */
export function seededRandom(seed: number): () => number {
  let state = Math.imul(seed + 1, 0x9e3779b1) | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}
