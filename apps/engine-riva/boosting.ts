import type { BoostRule } from '#config';
import type { Phrase } from '#contracts';
import type { riva } from '#protos';

/**
 * For models about which nothing is configured. Scales differ by a factor of ten between families (CTC decoders are made
 * for 20 to 100, RNNT ones for 2 to 3), so this is low: too weak a boost does nothing, too strong a one writes phrases
 * that nobody said. Riva's own command line sends the same.
 */
const DEFAULT_BOOST = 4;

/** The boost of phrases that bring none, or `off` where the model ignores phrases. The first rule that fits counts. */
export function boostFor(model: string, rules: readonly BoostRule[]): number | 'off' {
  return rules.find(({ pattern }) => fits(pattern, model))?.boost ?? DEFAULT_BOOST;
}

/** Riva takes phrases by their boost: one context for each. */
export function speechContexts(phrases: readonly Phrase[], defaultBoost: number): riva.SpeechContext[] {
  const byBoost = new Map<number, Set<string>>();
  for (const { phrase, boost = defaultBoost } of phrases) {
    const same = byBoost.get(boost) ?? new Set();
    byBoost.set(boost, same.add(phrase));
  }
  return [...byBoost].map(([boost, same]) => ({ phrases: [...same], boost }));
}

/** Each piece between two `*` is looked for after the one before it: no regular expression, so no trap for slow ones. */
function fits(pattern: string, model: string): boolean {
  const [head = '', ...pieces] = pattern.split('*');
  const tail = pieces.pop();
  if (tail === undefined) return model === head;
  if (!model.startsWith(head)) return false;
  let at = head.length;
  for (const piece of pieces) {
    const found = model.indexOf(piece, at);
    if (found === -1) return false;
    at = found + piece.length;
  }
  return model.length - tail.length >= at && model.endsWith(tail);
}
