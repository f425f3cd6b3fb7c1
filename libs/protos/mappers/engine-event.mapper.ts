import type { EngineEvent, EngineSegment, EngineWord } from '#contracts';
import * as wire from '../engine-v1.js';
import { durationToMs, msToDuration } from './duration.mapper.js';
import { WireReader } from './wire-fault.js';

type WireEvent = NonNullable<wire.TranscribeResponse['event']>;

/** Every event reader blames the engine: nobody else writes events. */
const read = new WireReader('engine_bad_response');

export function toWireEvent(event: EngineEvent): wire.TranscribeResponse {
  return { event: wireEventOf(event) };
}

function wireEventOf(event: EngineEvent): WireEvent {
  switch (event.type) {
    case 'progress':
      return {
        $case: 'progress',
        value: { processedOffset: msToDuration(event.processedMs), stage: event.stage },
      };
    case 'partial':
      return { $case: 'partial', value: { text: event.text, startOffset: msToDuration(event.startMs) } };
    case 'segment':
      return { $case: 'segment', value: toWireSegment(event.segment) };
    case 'warning':
      return { $case: 'warning', value: { ...event.warning } };
    case 'summary':
      return {
        $case: 'summary',
        value: { language: event.language, model: event.model, audioDuration: msToDuration(event.audioMs) },
      };
  }
}

/** @throws PolyscribeError `engine_bad_response` that names the field which is missing or cannot be */
export function fromWireEvent(message: wire.TranscribeResponse): EngineEvent {
  const event = read.present('event', message.event);
  switch (event.$case) {
    case 'progress': {
      const processedMs = durationToMs('progress.processed_offset', event.value.processedOffset, read);
      return { type: 'progress', processedMs, stage: read.name('progress.stage', event.value.stage) };
    }
    case 'partial': {
      const startMs = durationToMs('partial.start_offset', event.value.startOffset, read);
      return { type: 'partial', text: event.value.text, startMs };
    }
    case 'segment':
      return { type: 'segment', segment: fromWireSegment(event.value) };
    case 'warning': {
      const { code, message: text } = event.value;
      return { type: 'warning', warning: { code: read.filledName('warning.code', code), message: text } };
    }
    case 'summary': {
      const { language, model, audioDuration } = event.value;
      return {
        type: 'summary',
        language: read.name('summary.language', language),
        model: read.name('summary.model', model),
        audioMs: durationToMs('summary.audio_duration', audioDuration, read),
      };
    }
  }
}

function toWireSegment(segment: EngineSegment): wire.Segment {
  return {
    startOffset: msToDuration(segment.startMs),
    endOffset: msToDuration(segment.endMs),
    text: segment.text,
    speakerTag: segment.speakerTag,
    confidence: segment.confidence,
    words: (segment.words ?? []).map(toWireWord),
    language: segment.language ?? '',
  };
}

function toWireWord(word: EngineWord): wire.Word {
  return {
    text: word.text,
    startOffset: msToDuration(word.startMs),
    endOffset: msToDuration(word.endMs),
    confidence: word.confidence,
    speakerTag: word.speakerTag,
    interpolated: word.interpolated ?? false,
  };
}

function fromWireSegment(message: wire.Segment): EngineSegment {
  const { words, language } = message;
  return {
    ...fromWireStretch('segment', message),
    ...(words.length > 0 && { words: read.list('segment.words', words).map(fromWireWord) }),
    ...(language !== '' && { language: read.name('segment.language', language) }),
  };
}

function fromWireWord(message: wire.Word): EngineWord {
  return { ...fromWireStretch('segment.words', message), ...(message.interpolated && { interpolated: true }) };
}

/** What a segment and a word have in common. */
function fromWireStretch(field: string, message: wire.Segment | wire.Word): EngineWord {
  const { text, confidence, speakerTag } = message;
  return {
    startMs: durationToMs(`${field}.start_offset`, message.startOffset, read),
    endMs: durationToMs(`${field}.end_offset`, message.endOffset, read),
    text: text === '' ? read.fail(`${field}.text`, 'is missing') : text,
    ...(speakerTag !== undefined && { speakerTag: read.atLeast(`${field}.speaker_tag`, speakerTag, 0) }),
    ...(confidence !== undefined && { confidence: read.fraction(`${field}.confidence`, confidence) }),
  };
}
