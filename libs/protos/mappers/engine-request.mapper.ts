import { type EngineRequest, type Profile, type Task, type UnsupportedPolicy, normalizeLanguage } from '#contracts';
import * as wire from '../engine-v1.js';
import { durationToMs, msToDuration } from './duration.mapper.js';
import { WireReader } from './wire-fault.js';

const tasks: Readonly<Record<Task, wire.Task>> = {
  transcribe: wire.Task.TRANSCRIBE,
  translate: wire.Task.TRANSLATE,
};

const profiles: Readonly<Record<Profile, wire.Profile>> = {
  fast: wire.Profile.FAST,
  balanced: wire.Profile.BALANCED,
  precise: wire.Profile.PRECISE,
};

const policies: Readonly<Record<UnsupportedPolicy, wire.UnsupportedPolicy>> = {
  refuse: wire.UnsupportedPolicy.REFUSE,
  warn: wire.UnsupportedPolicy.WARN,
};

export function toWireConfig(request: EngineRequest): wire.TranscribeConfig {
  const { diarization, audioMs } = request;
  return {
    requestId: request.requestId,
    language: request.language ?? '',
    model: request.model ?? '',
    task: tasks[request.task],
    wordTimestamps: request.wordTimestamps,
    diarization: diarization && {
      minSpeakers: diarization.minSpeakers ?? 0,
      maxSpeakers: diarization.maxSpeakers ?? 0,
    },
    phrases: request.phrases.map(({ phrase, boost }) => ({ phrase, boost })),
    profile: profiles[request.profile],
    partialResults: request.partialResults,
    audioDuration: audioMs === undefined ? undefined : msToDuration(audioMs),
    unsupportedPolicy: policies[request.onUnsupported],
    punctuation: request.punctuation,
    profanityFilter: request.profanityFilter,
    verbatim: request.verbatim,
    engineOptions: { ...request.engineOptions },
  };
}

/** @throws PolyscribeError `invalid_request` that names the field which cannot be */
export function fromWireConfig(message: wire.TranscribeConfig): EngineRequest {
  const read = new WireReader('invalid_request');
  const { language, model, diarization, audioDuration, punctuation, profanityFilter, verbatim } = message;
  return {
    requestId: read.name('request_id', message.requestId),
    ...(language === '' ? {} : { language: normalizeLanguage(language) ?? read.fail('language', 'is no BCP-47 tag') }),
    ...(model === '' ? {} : { model: read.name('model', model) }),
    task: read.choice('task', message.task || wire.Task.TRANSCRIBE, (value) => wordFor(tasks, value)),
    wordTimestamps: message.wordTimestamps,
    ...(diarization && { diarization: fromWireDiarization(diarization, read) }),
    phrases: read.list('phrases', message.phrases).map((phrase) => fromWirePhrase(phrase, read)),
    profile: read.choice('profile', message.profile || wire.Profile.BALANCED, (value) => wordFor(profiles, value)),
    ...(punctuation !== undefined && { punctuation }),
    ...(profanityFilter !== undefined && { profanityFilter }),
    ...(verbatim !== undefined && { verbatim }),
    engineOptions: fromWireOptions(message.engineOptions, read),
    partialResults: message.partialResults,
    ...(audioDuration && { audioMs: durationToMs('audio_duration', audioDuration, read) }),
    onUnsupported: read.choice(
      'unsupported_policy',
      message.unsupportedPolicy || wire.UnsupportedPolicy.REFUSE,
      (value) => wordFor(policies, value),
    ),
  };
}

function wordFor<Word extends string, Value>(table: Readonly<Record<Word, Value>>, value: Value): Word | undefined {
  return (Object.keys(table) as Word[]).find((word) => table[word] === value);
}

function fromWireDiarization(message: wire.Diarization, read: WireReader): NonNullable<EngineRequest['diarization']> {
  const minSpeakers = read.atLeast('diarization.min_speakers', message.minSpeakers, 0);
  const maxSpeakers = read.atLeast('diarization.max_speakers', message.maxSpeakers, 0);
  if (maxSpeakers > 0 && minSpeakers > maxSpeakers) read.fail('diarization.min_speakers', 'is above max_speakers');
  return { ...(minSpeakers > 0 && { minSpeakers }), ...(maxSpeakers > 0 && { maxSpeakers }) };
}

function fromWireOptions(message: Readonly<Record<string, string>>, read: WireReader): EngineRequest['engineOptions'] {
  const entries = Object.entries(message).map(([key, value]): [string, string] => [
    read.filledName('engine_options', key),
    read.text('engine_options', value),
  ]);
  return Object.fromEntries(read.list('engine_options', entries));
}

function fromWirePhrase({ phrase, boost }: wire.Phrase, read: WireReader): EngineRequest['phrases'][number] {
  const text = read.filledName('phrases.phrase', phrase);
  if (boost === undefined) return { phrase: text };
  return Number.isFinite(boost) ? { phrase: text, boost } : read.fail('phrases.boost', 'is not a number');
}
