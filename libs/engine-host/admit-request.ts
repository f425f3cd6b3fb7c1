import {
  type EngineCapabilities,
  type EngineRequest,
  PolyscribeError,
  type TranscriptWarning,
  languageMatches,
  optionFault,
  optionFor,
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
 * An engine option that is not declared counts as a feature that the engine lacks.
 *
 * @throws PolyscribeError `unsupported_language`, `model_not_found`, `unsupported_feature`, and `invalid_request` for an
 *   engine option whose value is wrong
 */
export function admitRequest(request: EngineRequest, capabilities: EngineCapabilities): AdmittedRequest {
  checkLanguage(request, capabilities);
  const model = modelFor(request, capabilities);
  checkOptionValues(request, capabilities);
  const lacking = [...lackingFeatures(request, capabilities), ...unknownOptions(request, capabilities)];
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

function unknownOptions({ engineOptions }: EngineRequest, { options = [] }: EngineCapabilities): string[] {
  return Object.keys(engineOptions).flatMap((key) => (optionFor(options, key) ? [] : [`the engine option ${key}`]));
}

function checkOptionValues({ engineOptions }: EngineRequest, { options = [] }: EngineCapabilities): void {
  const fields = Object.entries(engineOptions).flatMap(([key, text]) => {
    const option = optionFor(options, key);
    const detail = option && optionFault(option, text);
    return detail === undefined ? [] : [{ key, pointer: `/engine_options/${key}`, detail }];
  });
  if (fields.length === 0) return;
  const told = fields.map(({ key, detail }) => `The engine option ${key} ${detail}.`).join(' ');
  throw new PolyscribeError('invalid_request', told, {
    fields: fields.map(({ pointer, detail }) => ({ pointer, detail })),
  });
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
  const { diarization, punctuation, profanityFilter, verbatim, ...rest } = request;
  const declared = capabilities.options ?? [];
  const options = Object.entries(request.engineOptions).filter(([key]) => optionFor(declared, key));
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
