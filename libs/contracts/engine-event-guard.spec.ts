import { EngineEventGuard } from './engine-event-guard.js';
import type { EngineEvent, EngineSegment } from './speech-engine.port.js';

const heardMs = 1_000;
const summary: EngineEvent = { type: 'summary', language: 'en', model: 'm', audioMs: heardMs };

function segment(change: Partial<EngineSegment> = {}): EngineEvent {
  return { type: 'segment', segment: { startMs: 100, endMs: 900, text: 'hello', ...change } };
}

function progress(processedMs: number): EngineEvent {
  return { type: 'progress', processedMs, stage: 'transcribing' };
}

describe('EngineEventGuard', () => {
  it('lets a call through that keeps the rules', () => {
    const guard = new EngineEventGuard();
    const word = { text: 'hello', startMs: 100, endMs: 900 };
    const events = [progress(0), segment({ words: [word], confidence: 1 }), progress(1_000.5), summary];
    expect(() => {
      for (const event of events) guard.accept(event, heardMs);
      guard.end();
    }).not.toThrow();
  });

  const broken: [string, EngineEvent[]][] = [
    ['an event after the summary', [summary, segment()]],
    ['a second summary', [summary, summary]],
    ['progress that falls', [progress(500), progress(400)]],
    ['progress that is no number', [progress(Number.NaN)]],
    ['progress beyond the audio', [progress(2_000)]],
    ['a segment that ends before it begins', [segment({ endMs: 50 })]],
    ['a segment before the audio', [segment({ startMs: -1 })]],
    ['a segment beyond the audio', [segment({ endMs: 1_100 })]],
    ['a segment whose times are no numbers', [segment({ startMs: Number.NaN })]],
    ['segments out of order', [segment({ startMs: 500 }), segment({ startMs: 400 })]],
    ['an empty text', [segment({ text: '' })]],
    ['a text that is not trimmed', [segment({ text: ' hello' })]],
    ['a confidence over 1', [segment({ confidence: 1.1 })]],
    ['a word beyond the audio', [segment({ words: [{ text: 'a', startMs: 100, endMs: 2_000 }] })]],
    ['a partial outside the audio', [{ type: 'partial', text: 'a', startMs: 3_000 }]],
  ];

  it.each(broken)('finds out %s', (_what, events) => {
    const guard = new EngineEventGuard();
    expect(() => {
      for (const event of events) guard.accept(event, heardMs);
    }).toThrow(/^The engine (sent|reported)/);
  });

  it('finds out a call without a summary', () => {
    expect(() => new EngineEventGuard().end()).toThrow('ended without a summary');
  });
});
