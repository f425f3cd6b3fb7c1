import { optionFault, optionFor, PolyscribeError } from '#contracts';
import { riva } from '#protos';
import { boostFor, speechContexts } from './boosting.js';
import { recognitionConfig } from './recognition-config.js';
import { readOptions, rivaOptions } from './riva-options.js';
import { StreamClock } from './stream-clock.js';
import { engineRequest } from './testing/simulated-riva.js';

const model = { name: 'm', type: 'online', languageCode: 'en-US' } as const;

describe('recognitionConfig', () => {
  it('states what Riva and its clients have different defaults for', () => {
    expect(recognitionConfig(engineRequest(), model, 4)).toEqual({
      encoding: riva.AudioEncoding.LINEAR_PCM,
      sampleRateHertz: 16_000,
      audioChannelCount: 1,
      languageCode: 'en-US',
      model: 'm',
      maxAlternatives: 1,
      enableWordTimeOffsets: true,
      enableAutomaticPunctuation: true,
      profanityFilter: false,
      verbatimTranscripts: false,
      enableSeparateRecognitionPerChannel: false,
      diarizationConfig: undefined,
      speechContexts: [],
      customConfiguration: {},
    });
  });

  it('passes on what is wished for', () => {
    const request = engineRequest({
      punctuation: false,
      profanityFilter: true,
      verbatim: true,
      diarization: { maxSpeakers: 2 },
      phrases: [{ phrase: 'penicillin' }],
      engineOptions: { stop_history: '480', 'custom.neural_vad.onset': '0.85' },
    });
    expect(recognitionConfig(request, model, 20)).toMatchObject({
      enableAutomaticPunctuation: false,
      profanityFilter: true,
      verbatimTranscripts: true,
      diarizationConfig: { enableSpeakerDiarization: true, maxSpeakerCount: 2 },
      speechContexts: [{ phrases: ['penicillin'], boost: 20 }],
      endpointingConfig: { stopHistory: 480 },
      customConfiguration: { 'neural_vad.onset': '0.85' },
    });
    expect(recognitionConfig(engineRequest({ diarization: {} }), model, 4).diarizationConfig?.maxSpeakerCount).toBe(8);
  });

  it('sends no phrases to a model that ignores them', () => {
    const request = engineRequest({ phrases: [{ phrase: 'penicillin', boost: 5 }] });
    expect(recognitionConfig(request, model, 'off').speechContexts).toEqual([]);
  });
});

describe('boostFor', () => {
  const rules = [
    { pattern: '*rnnt*multi*', boost: 2 },
    { pattern: '*rnnt*', boost: 3 },
    { pattern: 'canary-*', boost: 'off' },
    { pattern: 'exact', boost: 7 },
    { pattern: '*-end', boost: 9 },
  ] as const;

  it.each([
    ['parakeet-rnnt-1.1b-multi-asr', 2],
    ['parakeet-rnnt-1.1b', 3],
    ['canary-1b', 'off'],
    ['not-canary-1b', 4],
    ['exact', 7],
    ['exactly', 4],
    ['x-end', 9],
    ['end', 4],
    ['', 4],
  ] as const)('of %j is %j', (name, boost) => {
    expect(boostFor(name, rules)).toBe(boost);
  });

  it('is what stands for all models, where that comes first', () => {
    expect(boostFor('canary-1b', [{ pattern: '*', boost: 1 }, ...rules])).toBe(1);
  });
});

describe('speechContexts', () => {
  it('makes one context for each boost, each phrase once', () => {
    const phrases = [{ phrase: 'a' }, { phrase: 'b', boost: -3 }, { phrase: 'c' }, { phrase: 'a', boost: 4 }];
    expect(speechContexts(phrases, 4)).toEqual([
      { phrases: ['a', 'c'], boost: 4 },
      { phrases: ['b'], boost: -3 },
    ]);
  });
});

describe('readOptions', () => {
  it('leaves to the model what is zero or less, as Riva does', () => {
    expect(readOptions({ start_history: '0', stop_threshold: '-1' })).toEqual({ endpointing: undefined, custom: {} });
    expect(readOptions({ start_threshold: '0.2', stop_history: '800', stop_history_eou: '240' }).endpointing).toEqual({
      startThreshold: 0.2,
      stopHistory: 800,
      stopHistoryEou: 240,
    });
  });

  it('refuses a first end of an utterance that comes after its end', () => {
    const fields = [{ pointer: '/engine_options/stop_history_eou', detail: 'must be less than stop_history' }];
    expect(() => readOptions({ stop_history: '400', stop_history_eou: '400' })).toThrow(
      new PolyscribeError('invalid_request', 'The engine option stop_history_eou must be less than stop_history.', {
        fields,
      }),
    );
  });

  it('knows the keys of endpointing, and those with the prefix', () => {
    const isKnown = (key: string) => optionFor(rivaOptions, key) !== undefined;
    expect(['stop_history_eou', 'custom.apply_partial_itn'].filter((key) => !isKnown(key))).toEqual([]);
    expect(['custom.', 'beam'].filter(isKnown)).toEqual([]);
  });

  it.each([
    ['stop_history', 'long', 'must be a whole number of at most 60000'],
    ['stop_threshold', '80', 'must be a number of at most 1'],
    ['start_history', '-1', undefined],
  ])('judges %s of %s', (key, text, fault) => {
    const option = optionFor(rivaOptions, key);
    expect(option && optionFault(option, text)).toBe(fault);
  });
});

describe('StreamClock', () => {
  it('adds where the stream begins, and takes off silence that was put in', () => {
    const clock = new StreamClock(10_000);
    clock.addSilence(500, 100);
    clock.addSilence(600, 100);
    clock.addSilence(2_000, 100);
    const times = [0, 500, 550, 700, 1_900, 2_000, 2_050, 2_100, 3_000].map((ms) => clock.toAudioMs(ms) - 10_000);
    expect(times).toEqual([0, 500, 500, 500, 1_700, 1_800, 1_800, 1_800, 2_700]);
  });
});
