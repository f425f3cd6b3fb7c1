import { type EngineRequest, SAMPLE_RATE_HZ } from '#contracts';
import { riva } from '#protos';
import { speechContexts } from './boosting.js';
import type { ModelChoice } from './riva-models.js';
import { readOptions } from './riva-options.js';

/** Riva's documented default, which we spell out since its clients disagree about it. */
const DEFAULT_SPEAKERS = 8;

/**
 * What a request means in Riva's terms.
 *
 * @param boost for phrases that bring none; `off` leaves phrases out
 * @throws PolyscribeError `invalid_request` for engine options that cannot be
 */
export function recognitionConfig(
  request: EngineRequest,
  model: ModelChoice,
  boost: number | 'off',
): riva.RecognitionConfig {
  const { endpointing, custom } = readOptions(request.engineOptions);
  return {
    encoding: riva.AudioEncoding.LINEAR_PCM,
    sampleRateHertz: SAMPLE_RATE_HZ,
    audioChannelCount: 1,
    languageCode: model.languageCode,
    model: model.name,
    maxAlternatives: 1,
    // Words are the only times that Riva gives: without them nobody knows where a text lies.
    enableWordTimeOffsets: true,
    enableAutomaticPunctuation: request.punctuation ?? true,
    profanityFilter: request.profanityFilter ?? false,
    // Stated since what is left out means rewriting to Riva, and verbatim text to its Python client.
    verbatimTranscripts: request.verbatim ?? false,
    enableSeparateRecognitionPerChannel: false,
    diarizationConfig: request.diarization && {
      enableSpeakerDiarization: true,
      maxSpeakerCount: request.diarization.maxSpeakers ?? DEFAULT_SPEAKERS,
    },
    speechContexts: boost === 'off' ? [] : speechContexts(request.phrases, boost),
    customConfiguration: custom,
    ...(endpointing && { endpointingConfig: endpointing }),
  };
}
