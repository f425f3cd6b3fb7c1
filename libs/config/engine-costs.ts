import { type EngineKind, isEngineKind } from '#contracts';

export const COST_FORMS = 'asr=NUMBER, whisperx=NUMBER or local=NUMBER, or several of them with commas between';

/** More than any currency needs for an hour of audio. */
const MOST = 1_000_000;

/** @returns what an hour of audio costs at each kind of engine; undefined when the text says something else */
export function parseCosts(text: string): Readonly<Partial<Record<EngineKind, number>>> | undefined {
  const costs: Partial<Record<EngineKind, number>> = {};
  for (const part of text.split(',')) {
    const [kind = '', number = '', ...rest] = part.split('=').map((piece) => piece.trim());
    const isNew = isEngineKind(kind) && costs[kind] === undefined;
    if (!isNew || rest.length > 0 || !/^\d+(\.\d+)?$/.test(number) || Number(number) > MOST) return undefined;
    costs[kind] = Number(number);
  }
  return costs;
}
