import type { riva } from '#protos';
import { serverError, unavailableModel } from './riva-errors.js';
import { type RivaModel, type RivaScript, defaultModels } from './riva-script.js';

/**
 * The model that serves a call. An empty name lets language and type choose; a name must be exact, and fit them. Without
 * a language the first model of the type serves.
 *
 * @throws ServerError "Unavailable model"
 */
export function chooseModel(script: RivaScript, config: riva.RecognitionConfig, type: RivaModel['type']): RivaModel {
  const { model: name, languageCode: language, sampleRateHertz } = config;
  const chosen = (script.models ?? defaultModels).find(
    (model) =>
      model.type === type &&
      (name === '' || model.name === name) &&
      (language === '' || model.languages.includes(language)),
  );
  if (chosen) return chosen;
  const named = script.languageInErrors === 'bare' ? (language.split('-')[0] ?? '') : language;
  const wish = { language: named, sampleRateHz: sampleRateHertz || 16_000, type };
  throw serverError(unavailableModel(wish, script.unavailableModelText));
}

/** The models as the configuration lists them. @param name only this one; empty means all */
export function describeModels(script: RivaScript, name: string): riva.RivaSpeechRecognitionConfigResponse {
  const models = (script.models ?? defaultModels).filter((model) => name === '' || model.name === name);
  return {
    modelConfig: models.map((model) => ({
      modelName: model.name,
      parameters: { ...model.parameters, type: model.type, language_code: model.languages.join(',') },
    })),
  };
}
