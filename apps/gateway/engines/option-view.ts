import type { EngineInstance, EngineOption, OptionType } from '#contracts';

export interface OptionView {
  name: string;
  description: string;
  type: OptionType;
  minimum?: number;
  maximum?: number;
  values?: readonly string[];
}

/** What `engine_options` may hold for a kind of engine: each key once, as the first instance that takes it says. */
export function optionViews(instances: readonly EngineInstance[]): OptionView[] {
  const options = instances.flatMap(({ description }) => description.capabilities.options ?? []);
  const byName = new Map<string, EngineOption>();
  for (const option of options) if (!byName.has(option.name)) byName.set(option.name, option);
  return [...byName.values()].map(({ name, description, type, min, max, values }) => ({
    ...{ name, description, type },
    ...(min === undefined ? {} : { minimum: min }),
    ...(max === undefined ? {} : { maximum: max }),
    ...(values && { values }),
  }));
}
