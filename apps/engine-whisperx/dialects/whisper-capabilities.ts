import type { EngineCapabilities } from '#contracts';
import { languageAliases, whisperLanguages } from '../languages.js';
import type { DialectSettings } from '../dialect.js';

/** Languages that the library has a model for to align words with; others come without word times or not at all. */
export const alignableLanguages: readonly string[] =
  `en fr de es it ja zh nl uk pt ar cs ru pl hu fi fa el tr da he vi ko ur te hi ca ml no nn sk sl hr ro eu gl ka lv tl
  sv id`.split(/\s+/);

/** What every Whisper server can do; the dialects say what is different. */
export function whisperCapabilities(
  settings: DialectSettings,
  differences: Partial<EngineCapabilities>,
): EngineCapabilities {
  return {
    languages: [...whisperLanguages, ...languageAliases],
    ...offeredModels(settings, undefined),
    languageDetection: true,
    wordTimestamps: true,
    diarization: false,
    phraseBoosting: true,
    partialResults: false,
    translation: true,
    confidence: true,
    punctuationControl: false,
    profanityFilter: false,
    verbatim: false,
    maxAudioMs: undefined,
    maxConcurrency: settings.concurrency ?? 1,
    ...differences,
  };
}

/**
 * The models of a server: what it tells, else what the operator lists, else the default one alone. The default is the one
 * that the operator names, or the one that is built on it (`Systran/faster-whisper-base` for `base`), or the first.
 */
export function offeredModels(
  { availableModels, defaultModel }: DialectSettings,
  told: readonly string[] | undefined,
): Pick<EngineCapabilities, 'models' | 'defaultModel'> {
  const models = told && told.length > 0 ? told : (availableModels ?? [defaultModel]);
  const named =
    models.find((name) => name === defaultModel) ?? models.find((name) => name.endsWith(`-${defaultModel}`));
  return { models, defaultModel: named ?? models[0] ?? '' };
}
