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

/** The keys of `engineOptions` that an adapter knows; `any` where the backend is the judge of them. */
export type OptionKeys = readonly string[] | 'any';

/**
 * Judges a request by the capabilities, the same way for every adapter: what the engine cannot do is refused or becomes a
 * warning, as the request asks, and is never dropped in silence. Phrases are hints, so they never lead to a refusal.
 *
 * @param optionKeys any other engine option counts as a feature that the engine lacks
 * @throws PolyscribeError `unsupported_language`, `model_not_found`, `unsupported_feature`
 */
export function admitRequest(
  request: EngineRequest,
  capabilities: EngineCapabilities,
  optionKeys: OptionKeys = [],
): AdmittedRequest {
  checkLanguage(request, capabilities);
  const model = modelFor(request, capabilities);
  const lacking = [...lackingFeatures(request, capabilities), ...unknownOptions(request, optionKeys)];
  if (lacking.length > 0 && request.onUnsupported === 'refuse') {
    throw new PolyscribeError('unsupported_feature', `This engine does not support ${lacking.join(' and ')}.`);
  }
  const ignoresPhrases = request.phrases.length > 0 && !capabilities.phraseBoosting;
  const warnings = [...lacking, ...(ignoresPhrases ? ['phrase boosting'] : [])].map((feature) => ({
    code: 'unsupported_feature',
    message: `The engine does not support ${feature}; the request went on without.`,
  }));
  return { request: without(request, capabilities, optionKeys), model, warnings };
}

function lackingFeatures(request: EngineRequest, capabilities: EngineCapabilities): string[] {
  const features: readonly (readonly [name: string, wanted: boolean, offered: boolean])[] = [
    ['translation', request.task === 'translate', capabilities.translation],
    ['word timestamps', request.wordTimestamps, capabilities.wordTimestamps],
    ['diarization', request.diarization !== undefined, capabilities.diarization],
    ['partial results', request.partialResults, capabilities.partialResults],
    // Punctuation is what every engine gives by itself: only to leave it out takes control over it.
    ['punctuation control', request.punctuation === false, capabilities.punctuationControl],
    ['profanity filter', request.profanityFilter === true, capabilities.profanityFilter],
    ['verbatim text', request.verbatim === true, capabilities.verbatim],
  ];
  return features.flatMap(([name, wanted, offered]) => (wanted && !offered ? [name] : []));
}

function unknownOptions({ engineOptions }: EngineRequest, known: OptionKeys): string[] {
  return Object.keys(engineOptions).flatMap((key) => (isKnown(key, known) ? [] : [`the engine option ${key}`]));
}

function isKnown(key: string, known: OptionKeys): boolean {
  return known === 'any' || known.includes(key);
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

function without(request: EngineRequest, capabilities: EngineCapabilities, optionKeys: OptionKeys): EngineRequest {
  const { diarization, punctuation, profanityFilter, verbatim, ...rest } = request;
  const options = Object.entries(request.engineOptions).filter(([key]) => isKnown(key, optionKeys));
  return {
    ...rest,
    task: capabilities.translation ? request.task : 'transcribe',
    ...(diarization && capabilities.diarization && { diarization }),
    wordTimestamps: request.wordTimestamps && capabilities.wordTimestamps,
    partialResults: request.partialResults && capabilities.partialResults,
    ...(punctuation !== undefined && capabilities.punctuationControl && { punctuation }),
    ...(profanityFilter !== undefined && capabilities.profanityFilter && { profanityFilter }),
    ...(verbatim !== undefined && capabilities.verbatim && { verbatim }),
    engineOptions: Object.fromEntries(options),
    phrases: capabilities.phraseBoosting ? request.phrases : [],
  };
}
