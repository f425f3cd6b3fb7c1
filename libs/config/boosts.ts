/** How much phrases are boosted in models whose name fits the pattern. */
export interface BoostRule {
  /** A model's name in which `*` stands for anything. */
  readonly pattern: string;
  /** For phrases that bring no boost of their own, in the model's scale; `off` where the model ignores phrases. */
  readonly boost: number | 'off';
}

export const BOOST_FORMS = 'a number, or MODEL=NUMBER or MODEL=off with * in MODEL for anything, and commas between';

/** Far beyond every scale in use (the widest is -100 to 100). */
const MOST = 1_000;

/** @returns the rules in the order given, the first that fits counts; undefined when the text is none */
export function parseBoosts(text: string): readonly BoostRule[] | undefined {
  const rules: BoostRule[] = [];
  for (const part of text.split(',')) {
    const [first = '', second, ...rest] = part.split('=').map((piece) => piece.trim());
    const pattern = second === undefined ? '*' : first;
    const boost = parseBoost(second ?? first);
    if (boost === undefined || pattern === '' || rest.length > 0) return undefined;
    rules.push({ pattern, boost });
  }
  return rules;
}

function parseBoost(text: string): number | 'off' | undefined {
  if (text === 'off') return 'off';
  const value = Number(text);
  return text === '' || !(Math.abs(value) <= MOST) ? undefined : value;
}
