import { type AlignedPair, alignToSlots, type Slots, wordNumbers } from './align.js';

/**
 * Several texts set side by side: in each slot the position of each text's word, or undefined where that text has none
 * there. Positions rise from slot to slot, and every word is in one slot.
 */
export type WordNetwork = readonly WordSlot[];
export type WordSlot = readonly (number | undefined)[];

/**
 * Sets several hypotheses of one text side by side, as ROVER does (J. G. Fiscus, "A post-processing system to yield reduced
 * word error rates: Recognizer Output Voting Error Reduction (ROVER)", IEEE ASRU 1997): the first is the network to begin
 * with, and each further one is aligned with the network made so far. A word is put where it differs from the fewest of the
 * words that are there already.
 *
 * The order of the hypotheses decides between alignments that are equally good, and nothing else.
 *
 * @param hypotheses words as they are compared
 */
export function wordNetwork(hypotheses: readonly (readonly string[])[]): WordNetwork {
  const numberOf = wordNumbers();
  const texts = hypotheses.map((words) => Int32Array.from(words, numberOf));
  let network: WordSlot[] = (hypotheses[0] ?? []).map((_, position) => [position]);
  for (const [index, text] of texts.entries()) {
    if (index === 0) continue;
    const aligned = alignToSlots(slotsOf(network, texts.slice(0, index)), text);
    network = aligned.map((pair) => grown(network, pair, index));
  }
  return network;
}

function slotsOf(network: readonly WordSlot[], texts: readonly Int32Array[]): Slots {
  const words = network.flatMap((slot) =>
    slot.map((position, text) => (position === undefined ? -1 : (texts[text]?.[position] ?? -1))),
  );
  return { length: network.length, places: texts.length, words: Int32Array.from(words) };
}

function grown(network: readonly WordSlot[], { first, second }: AlignedPair, earlier: number): WordSlot {
  const slot = first === undefined ? undefined : network[first];
  return [...(slot ?? Array.from({ length: earlier }, () => undefined)), second];
}
