import { type EngineOption, optionFor, optionValue } from '#contracts';

/** Options that several families of servers take under the same name. */
export const commonOptions = {
  batchSize: { name: 'batch_size', description: 'Pieces at once.', type: 'integer', min: 1, max: 1024 },
  beamSize: { name: 'beam_size', description: "Instead of the profile's.", type: 'integer', min: 1, max: 20 },
  chunkSize: { name: 'chunk_size', description: 'Length of a piece in seconds.', type: 'integer', min: 1, max: 30 },
  initialPrompt: { name: 'initial_prompt', description: 'Text before the speech, for style and names.', type: 'text' },
} as const satisfies Record<string, EngineOption>;

/** Engine options come as text; servers take them by type. */
export function typedOptions(
  given: Readonly<Record<string, string>>,
  known: readonly EngineOption[],
): Record<string, string | number | boolean> {
  return Object.fromEntries(
    Object.entries(given).flatMap(([key, text]) => {
      const option = optionFor(known, key);
      return option ? [[key, optionValue(option, text)] as const] : [];
    }),
  );
}
