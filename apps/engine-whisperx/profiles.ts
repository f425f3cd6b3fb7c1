import type { EngineCapabilities, EngineRequest, Profile } from '#contracts';

/** Faster models than the one named, the best first. */
const fasterThan: Readonly<Record<string, readonly string[]>> = {
  'large-v3': ['large-v3-turbo', 'turbo', 'medium'],
  'large-v2': ['large-v3-turbo', 'turbo', 'medium'],
  large: ['large-v3-turbo', 'turbo', 'medium'],
  medium: ['small'],
  small: ['base'],
  base: ['tiny'],
};

/** Models with the fewest wrong words, the best first. */
const mostPrecise: readonly string[] = ['large-v3', 'large-v2', 'large', 'large-v3-turbo', 'turbo'];

/**
 * The request with the model that its profile stands for, where it names none: `fast` takes a model below the default one,
 * `precise` the largest that there is, `balanced` the default. Without such a model all take the default.
 */
export function withProfileModel(request: EngineRequest, { models, defaultModel }: EngineCapabilities): EngineRequest {
  if (request.model !== undefined) return request;
  const wishes = wishesOf(request.profile, defaultModel);
  if (request.task !== 'translate') return withModel(request, first(wishes, models));
  return withModel(request, first([...wishes, defaultModel, ...mostPrecise, ...models].filter(translates), models));
}

function first(wishes: readonly string[], models: readonly string[]): string | undefined {
  return wishes.find((name) => models.includes(name));
}

function withModel(request: EngineRequest, model: string | undefined): EngineRequest {
  return model === undefined ? request : { ...request, model };
}

function wishesOf(profile: Profile, defaultModel: string): readonly string[] {
  if (profile === 'precise') return mostPrecise;
  return profile === 'fast' ? (fasterThan[defaultModel] ?? []) : [];
}

/** Turbo and distilled models were not trained to translate, and those for English alone have nothing to. */
function translates(model: string): boolean {
  return !/turbo|distil|\.en$/.test(model);
}

/** Hypotheses that the decoder keeps; 5 is Whisper's own choice, 1 is greedy. */
export const beamSizes: Readonly<Record<Profile, number>> = { fast: 1, balanced: 5, precise: 10 };
