import { type EngineOption, PolyscribeError } from '#contracts';
import type { riva } from '#protos';

/** Riva's own keys for a model, such as `neural_vad.onset`, follow this prefix and are passed on as they are. */
const CUSTOM = 'custom.';

const windowMs = { type: 'integer', max: 60_000 } as const;
const share = { type: 'number', max: 1 } as const;

/** What `engine_options` may hold for Riva, by Riva's names. Zero and less leave a value to the model. */
export const rivaOptions: readonly EngineOption[] = [
  { name: 'start_history', description: 'Window in which an utterance begins, in ms.', ...windowMs },
  { name: 'start_threshold', description: 'Share of that window that is speech.', ...share },
  { name: 'stop_history', description: 'Window in which an utterance ends, in ms.', ...windowMs },
  { name: 'stop_threshold', description: 'Share of that window that is silence.', ...share },
  { name: 'stop_history_eou', description: 'Window of a first end, in ms; below stop_history.', ...windowMs },
  { name: 'stop_threshold_eou', description: 'Share of that window that is silence.', ...share },
  { name: `${CUSTOM}*`, description: 'Passed on as custom_configuration, without the prefix.', type: 'text' },
];

export interface RivaOptions {
  /** undefined leaves all to the model. */
  readonly endpointing: riva.EndpointingConfig | undefined;
  readonly custom: Record<string, string>;
}

/**
 * Reads engine options that are known and whose values are right one by one.
 *
 * @throws PolyscribeError `invalid_request` where they do not fit together
 */
export function readOptions(engineOptions: Readonly<Record<string, string>>): RivaOptions {
  const given = (name: string): number => Number(engineOptions[name] ?? 0);
  if (given('stop_history_eou') > 0 && given('stop_history') > 0) {
    if (given('stop_history_eou') >= given('stop_history')) throw endsTooLate();
  }
  // Riva takes 0 and less for "use the default", as it does an absent field.
  const config: riva.EndpointingConfig = {
    ...(given('start_history') > 0 && { startHistory: given('start_history') }),
    ...(given('start_threshold') > 0 && { startThreshold: given('start_threshold') }),
    ...(given('stop_history') > 0 && { stopHistory: given('stop_history') }),
    ...(given('stop_threshold') > 0 && { stopThreshold: given('stop_threshold') }),
    ...(given('stop_history_eou') > 0 && { stopHistoryEou: given('stop_history_eou') }),
    ...(given('stop_threshold_eou') > 0 && { stopThresholdEou: given('stop_threshold_eou') }),
  };
  const custom = Object.entries(engineOptions).filter(([key]) => key.startsWith(CUSTOM));
  return {
    endpointing: Object.keys(config).length > 0 ? config : undefined,
    custom: Object.fromEntries(custom.map(([key, value]) => [key.slice(CUSTOM.length), value])),
  };
}

function endsTooLate(): PolyscribeError {
  const detail = 'must be less than stop_history';
  return new PolyscribeError('invalid_request', `The engine option stop_history_eou ${detail}.`, {
    fields: [{ pointer: '/engine_options/stop_history_eou', detail }],
  });
}
