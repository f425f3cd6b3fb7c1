import {
  type EngineCapabilities,
  type EngineRequest,
  PolyscribeError,
  type TranscriptWarning,
  languageMatches,
} from '#contracts';

/** What an adapter is to do: the request without what it cannot give, and the warnings to send for that. */
export interface AdmittedRequest {
  readonly request: EngineRequest;
  /** Always one of the engine's models, or empty when the backend decides. */
  readonly model: string;
  readonly warnings: readonly TranscriptWarning[];
}

/**
 * Judges a request by the capabilities, the same way for every adapter: what the engine cannot do is refused or becomes a
 * warning, as the request asks, and is never dropped in silence. Phrases are hints, so they never lead to a refusal.
 *
 * @throws PolyscribeError `unsupported_language`, `model_not_found`, `unsupported_feature`
 */
export function admitRequest(request: EngineRequest, capabilities: EngineCapabilities): AdmittedRequest {
  checkLanguage(request, capabilities);
  const model = modelFor(request, capabilities);
  const lacking = [
    ...(request.task === 'translate' && !capabilities.translation ? ['translation'] : []),
    ...(request.wordTimestamps && !capabilities.wordTimestamps ? ['word timestamps'] : []),
    ...(request.diarization && !capabilities.diarization ? ['diarization'] : []),
    ...(request.partialResults && !capabilities.partialResults ? ['partial results'] : []),
  ];
  if (lacking.length > 0 && request.onUnsupported === 'refuse') {
    throw new PolyscribeError('unsupported_feature', `This engine does not support ${lacking.join(' and ')}.`);
  }
  const ignoresPhrases = request.phrases.length > 0 && !capabilities.phraseBoosting;
  const warnings = [...lacking, ...(ignoresPhrases ? ['phrase boosting'] : [])].map((feature) => ({
    code: 'unsupported_feature',
    message: `The engine does not support ${feature}; the request went on without.`,
  }));
  return { request: without(request, capabilities), model, warnings };
}

function checkLanguage({ language }: EngineRequest, { languages, languageDetection }: EngineCapabilities): void {
  if (language === undefined) {
    // An engine of one language needs no detection: there is nothing to choose.
    if (languageDetection || languages.length <= 1) return;
    throw new PolyscribeError('unsupported_language', 'This engine cannot detect the language; name one.');
  }
  if (languages.some((offered) => languageMatches(offered, language))) return;
  throw new PolyscribeError(
    'unsupported_language',
    `This engine does not know ${language}; it knows ${languages.join(', ')}.`,
  );
}

function modelFor({ model }: EngineRequest, { models, defaultModel }: EngineCapabilities): string {
  if (model === undefined) return defaultModel;
  if (models.includes(model)) return model;
  throw new PolyscribeError('model_not_found', `This engine has no model of that name; it has ${models.join(', ')}.`);
}

function without(request: EngineRequest, capabilities: EngineCapabilities): EngineRequest {
  const { diarization, ...rest } = request;
  return {
    ...rest,
    task: capabilities.translation ? request.task : 'transcribe',
    ...(diarization && capabilities.diarization && { diarization }),
    wordTimestamps: request.wordTimestamps && capabilities.wordTimestamps,
    partialResults: request.partialResults && capabilities.partialResults,
    phrases: capabilities.phraseBoosting ? request.phrases : [],
  };
}
