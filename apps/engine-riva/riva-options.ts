import { PolyscribeError } from '#contracts';
import type { riva } from '#protos';
import { z } from 'zod';

/** Riva's own keys for a model, such as `neural_vad.onset`, follow this prefix and are passed on as they are. */
const CUSTOM = 'custom.';

const milliseconds = z.coerce.number({ error: 'must be milliseconds' }).int().max(60_000);
const fraction = z.coerce.number({ error: 'must be a number from 0 to 1' }).max(1);

/** What `engine_options` may hold for Riva, by Riva's names; milliseconds, and fractions of frames in the window. */
const endpointing = z.object({
  start_history: milliseconds.optional(),
  start_threshold: fraction.optional(),
  stop_history: milliseconds.optional(),
  stop_threshold: fraction.optional(),
  stop_history_eou: milliseconds.optional(),
  stop_threshold_eou: fraction.optional(),
});

export interface RivaOptions {
  /** undefined leaves all to the model. */
  readonly endpointing: riva.EndpointingConfig | undefined;
  readonly custom: Record<string, string>;
}

/** The keys that may stand in these engine options: the fixed ones, and whatever has the prefix. */
export function knownKeys(engineOptions: Readonly<Record<string, string>>): readonly string[] {
  const custom = Object.keys(engineOptions).filter((key) => key.startsWith(CUSTOM) && key.length > CUSTOM.length);
  return [...Object.keys(endpointing.shape), ...custom];
}

/**
 * Reads engine options, of which the unknown ones have been dealt with.
 *
 * @throws PolyscribeError `invalid_request` naming each bad value's key
 */
export function readOptions(engineOptions: Readonly<Record<string, string>>): RivaOptions {
  const parsed = endpointing.safeParse(engineOptions);
  if (!parsed.success) {
    const fields = parsed.error.issues.map(({ path, message }) => ({ key: path.join('.'), detail: message }));
    throw invalid(fields);
  }
  const given = parsed.data;
  if (
    positive(given.stop_history_eou) &&
    positive(given.stop_history) &&
    given.stop_history_eou >= given.stop_history
  ) {
    throw invalid([{ key: 'stop_history_eou', detail: 'must be less than stop_history' }]);
  }
  // Riva takes 0 and less for "use the default", as it does an absent field.
  const config: riva.EndpointingConfig = {
    ...(positive(given.start_history) && { startHistory: given.start_history }),
    ...(positive(given.start_threshold) && { startThreshold: given.start_threshold }),
    ...(positive(given.stop_history) && { stopHistory: given.stop_history }),
    ...(positive(given.stop_threshold) && { stopThreshold: given.stop_threshold }),
    ...(positive(given.stop_history_eou) && { stopHistoryEou: given.stop_history_eou }),
    ...(positive(given.stop_threshold_eou) && { stopThresholdEou: given.stop_threshold_eou }),
  };
  const custom = Object.entries(engineOptions).filter(([key]) => key.startsWith(CUSTOM));
  return {
    endpointing: Object.keys(config).length > 0 ? config : undefined,
    custom: Object.fromEntries(custom.map(([key, value]) => [key.slice(CUSTOM.length), value])),
  };
}

function positive(value: number | undefined): value is number {
  return value !== undefined && value > 0;
}

function invalid(faults: readonly { readonly key: string; readonly detail: string }[]): PolyscribeError {
  const told = faults.map(({ key, detail }) => `${key} ${detail}`).join('; ');
  return new PolyscribeError('invalid_request', `The engine options for asr are wrong: ${told}.`, {
    fields: faults.map(({ key, detail }) => ({ pointer: `/engine_options/asr/${key}`, detail })),
  });
}
