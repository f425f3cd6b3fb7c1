import type { RivaFault } from './riva-fault.js';

/**
 * What a simulated Riva server has and does, as data. Everything here is documented behaviour of Riva, its NIM containers
 * and NVIDIA's hosted service, or was reported by users of them; nothing follows the wishes of a client.
 */
export interface RivaScript {
  /** What is deployed; {@link defaultModels} unless told otherwise. None means that no speech recognition is loaded. */
  readonly models?: readonly RivaModel[];
  /** `missing`: the server holds no speech recognition, and each of its methods is UNIMPLEMENTED, "Method not found!". */
  readonly asr?: 'served' | 'missing';
  /** `missing`: GetRivaSpeechRecognitionConfig is UNIMPLEMENTED, as with old and merely compatible servers. */
  readonly configRpc?: 'served' | 'missing';
  /** Standard gRPC health: served, not part of the server at all, or NOT_SERVING as while models load. */
  readonly health?: 'served' | 'missing' | 'not_serving';
  /** The text of "Unavailable model" differs between releases. */
  readonly unavailableModelText?: 'current' | 'older';
  /** `bare`: "Unavailable model" names `es` where `es-US` was asked for, as multilingual deployments do. */
  readonly languageInErrors?: 'as_asked' | 'bare';
  /** Larger requests are refused as RESOURCE_EXHAUSTED, "larger than max". No limit unless told otherwise. */
  readonly maxMessageBytes?: number;
  /** Sequence slots: a stream beyond them is RESOURCE_EXHAUSTED. No limit unless told otherwise. */
  readonly maxStreams?: number;
  /** A stream without audio for that long is dead: what comes next meets the START-flag error. 60 s, as in a NIM. */
  readonly idleMs?: number;
  /** Asks every call for the metadata of the hosted service: `function-id` and a bearer key. */
  readonly hosted?: { readonly functionId: string; readonly apiKey: string };
  readonly speech?: Partial<SpeechScript>;
  readonly stream?: Partial<StreamScript>;
  /** What goes wrong; the first that fits a call and a moment strikes. */
  readonly faults?: readonly RivaFault[];
}

/** One deployed model. Clients are to choose by type and languages; the name carries no meaning. */
export interface RivaModel {
  readonly name: string;
  /** `online` serves streams, `offline` serves whole files. */
  readonly type: 'online' | 'offline';
  /** As the configuration lists them: full tags, bare ones, `multi` or `auto`, by family of models. */
  readonly languages: readonly string[];
  /** Further parameters in the configuration; they vary between releases. */
  readonly parameters?: Readonly<Record<string, string>>;
  /**
   * Words in finals: with times where asked for; none (Canary, Whisper); or with nothing but their language, asked for or
   * not (some models that tell languages apart). Timed unless told otherwise.
   */
  readonly words?: 'timed' | 'none' | 'languages';
  /** Whisper and Canary punctuate whatever is asked. */
  readonly alwaysPunctuates?: boolean;
  /** Whether a diarizer is part of the profile; without one words carry tag 0. True unless told otherwise. */
  readonly diarizer?: boolean;
  /** Whether `force_eou` ends an utterance, as with cache-aware streaming models; others ignore it. */
  readonly endsUtteranceOnDemand?: boolean;
}

/** How the text looks. */
export interface SpeechScript {
  /**
   * Texts are joined without a separator. By release, each has a space behind it (the default here), or each but the first
   * has one before it.
   */
  readonly spacing: 'trailing' | 'leading';
  /** Whether words carry the punctuation and capitals of the text; often they do not, which is the default. */
  readonly punctuatedWords: boolean;
  /** Words that the profanity filter masks but for their first letter. */
  readonly profanities: readonly string[];
  /** How words are written unless verbatim text is asked for, such as `{ kilo: '1000' }`. */
  readonly rewrites: Readonly<Record<string, string>>;
  /** Score of a text; may be negative, 0 means unset. */
  readonly confidence: number;
  /** Score of a word; the same as that of the text unless told otherwise. */
  readonly wordConfidence: number | undefined;
  /** Tags of the voices. `[1, 2]` unless told otherwise; other releases begin at 0. The tag is a label, not an order. */
  readonly speakerTags: readonly number[];
  /** Every so many words of a call, one has tag 0: nobody knows who said it. 0 means that all are known. */
  readonly untaggedEvery: number;
  /** Languages that were detected, on texts and words. */
  readonly detectedLanguages: readonly string[];
  /** 1, or 0 with some servers, for one channel. */
  readonly channelTag: number;
  /** What is said about audio without speech: nothing, or a result with an empty text. */
  readonly silence: 'no_result' | 'empty_result';
  /** Size of a second alternative of final results, which nobody needs: for limits on what a client receives. */
  readonly paddingBytes: number;
}

/** How a stream answers. */
export interface StreamScript {
  /**
   * `each`: every utterance ends in a final. `all_but_last`: the last one stays interim though the stream is half-closed.
   * `never`: interims of one utterance without end, as reported of the hosted service.
   */
  readonly finals: 'each' | 'all_but_last' | 'never';
  /** Interims come as one result, or as a stable head and an unstable tail. */
  readonly interims: 'whole' | 'head_and_tail';
  /** Whether an interim with stability 1 announces each final. */
  readonly announcesFinals: boolean;
  /** What comes for every step of audio beside real results: nothing, no results at all, or one without alternatives. */
  readonly heartbeats: 'none' | 'no_results' | 'no_alternatives';
  /**
   * Audio is consumed in steps of that length, however it is cut into messages; 100 unless told otherwise. `audio_processed`
   * counts whole steps, so with long ones it is ahead of the text.
   */
  readonly stepMs: number;
}

/** A deployment like that of a Parakeet CTC NIM with `mode=all`. */
export const defaultModels: readonly RivaModel[] = [
  {
    name: 'parakeet-1.1b-en-US-asr-streaming-silero-vad-sortformer',
    type: 'online',
    languages: ['en-US'],
    parameters: { sample_rate: '16000', streaming: 'True' },
  },
  {
    name: 'parakeet-1.1b-en-US-asr-offline-silero-vad-sortformer',
    type: 'offline',
    languages: ['en-US'],
    parameters: { sample_rate: '16000', streaming: 'False' },
  },
];

export const defaultSpeech: SpeechScript = {
  spacing: 'trailing',
  punctuatedWords: false,
  profanities: [],
  rewrites: {},
  confidence: 0.9,
  wordConfidence: undefined,
  speakerTags: [1, 2],
  untaggedEvery: 0,
  detectedLanguages: [],
  channelTag: 1,
  silence: 'no_result',
  paddingBytes: 0,
};

export const defaultStream: StreamScript = {
  finals: 'each',
  interims: 'whole',
  announcesFinals: false,
  heartbeats: 'none',
  stepMs: 100,
};

export const DEFAULT_IDLE_MS = 60_000;
