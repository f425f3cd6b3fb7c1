import { type EngineRequest, languageMatches, PolyscribeError, type TranscriptWarning } from '#contracts';
import { isLocalModel, type LocalModel, localModels } from './model-files.js';

export interface CheckedRequest {
  readonly model: LocalModel;
  readonly warnings: readonly TranscriptWarning[];
}

/**
 * What a request means for this engine. Profile `fast` without a model takes `tiny`: twice the speed for more wrong words.
 *
 * Phrases only ever give a warning, also where the request refuses what is unsupported: they are a hint, and the
 * transcript is what was asked for without them too.
 *
 * @throws PolyscribeError `model_not_found`, `unsupported_language`, `unsupported_feature`
 */
export function checkRequest(request: EngineRequest, defaultModel: LocalModel): CheckedRequest {
  const model = modelOf(request, defaultModel);
  if (request.language !== undefined && !languageMatches('en', request.language)) {
    throw new PolyscribeError('unsupported_language', 'The local engine knows English (en) only.');
  }
  const unsupported = [
    ...(request.task === 'translate' ? ['translation'] : []),
    ...(request.wordTimestamps ? ['word timestamps'] : []),
    ...(request.diarization ? ['diarization'] : []),
  ];
  if (unsupported.length > 0 && request.onUnsupported === 'refuse') {
    throw new PolyscribeError('unsupported_feature', `The local engine cannot do ${unsupported.join(', ')}.`);
  }
  if (request.phrases.length > 0) unsupported.push('phrase boosting');
  return {
    model,
    warnings: unsupported.map((feature) => ({
      code: 'unsupported_feature',
      message: `The local engine cannot do ${feature}; the transcript was made without it.`,
    })),
  };
}

function modelOf(request: EngineRequest, defaultModel: LocalModel): LocalModel {
  if (request.model === undefined) return request.profile === 'fast' ? 'tiny' : defaultModel;
  if (isLocalModel(request.model)) return request.model;
  throw new PolyscribeError('model_not_found', `The local engine has the models ${localModels.join(' and ')}.`);
}
