import { PolyscribeError } from './polyscribe-error.js';
import type { EngineEvent, EngineSegment } from './speech-engine.port.js';

/** Times travel as nanoseconds and audio counts in samples: rounding between the two is no fault. */
const ROUNDING_MS = 1;

/**
 * Holds one call's events against the rules of the `SpeechEngine` port, so that an engine that breaks them is found out
 * before its answer becomes part of a transcript.
 */
export class EngineEventGuard {
  private processedMs = 0;
  private lastStartMs = 0;
  private summarised = false;

  /**
   * @param heardMs length of the audio that the engine was given so far
   * @throws PolyscribeError `engine_bad_response` that names the rule
   */
  accept(event: EngineEvent, heardMs: number): void {
    if (this.summarised) fail('sent an event after its summary');
    switch (event.type) {
      case 'progress':
        if (!(event.processedMs >= this.processedMs)) fail('reported progress that falls');
        if (event.processedMs > heardMs + ROUNDING_MS) fail('reported progress beyond the audio');
        this.processedMs = event.processedMs;
        return;
      case 'segment':
        this.checkSegment(event.segment, heardMs);
        return;
      case 'partial':
        if (!(event.startMs >= 0 && event.startMs <= heardMs + ROUNDING_MS)) fail('sent a partial outside the audio');
        return;
      case 'warning':
        return;
      case 'summary':
        this.summarised = true;
    }
  }

  /** To be called when the events have ended without an error. */
  end(): void {
    if (!this.summarised) fail('ended without a summary');
  }

  private checkSegment({ startMs, endMs, text, confidence, words }: EngineSegment, heardMs: number): void {
    if (!(startMs >= 0 && endMs >= startMs)) fail('sent a segment that ends before it begins');
    if (endMs > heardMs + ROUNDING_MS) fail('sent a segment beyond the audio');
    if (startMs < this.lastStartMs) fail('sent segments out of time order');
    if (text === '' || text !== text.trim()) fail('sent a segment whose text is empty or not trimmed');
    if (confidence !== undefined && !(confidence >= 0 && confidence <= 1)) fail('sent a confidence outside 0 to 1');
    for (const word of words ?? []) {
      if (!(word.startMs <= word.endMs && word.startMs >= 0 && word.endMs <= heardMs + ROUNDING_MS)) {
        fail('sent a word with times that cannot be');
      }
    }
    this.lastStartMs = startMs;
  }
}

function fail(what: string): never {
  throw new PolyscribeError('engine_bad_response', `The engine ${what}.`);
}
