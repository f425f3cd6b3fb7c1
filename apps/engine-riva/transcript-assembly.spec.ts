import type { EngineEvent } from '#contracts';
import { riva } from '#protos';
import { type AssemblyOptions, type Position, TranscriptAssembly } from './transcript-assembly.js';

const plain: AssemblyOptions = { wordTimestamps: false, diarization: false, partialResults: false, confidence: false };

function position(processedMs?: number, heardMs = 60_000): Position {
  return { toAudioMs: (ms) => ms, processedMs, heardMs };
}

/** Words of 100 ms each from a time on, with the tags given. */
function said(transcript: string, words: string, fromMs: number, tags: readonly number[] = []) {
  return riva.SpeechRecognitionAlternative.fromPartial({
    transcript,
    confidence: -3.5,
    words: words.split(' ').map((word, index) => ({
      word,
      startTime: fromMs + 100 * index,
      endTime: fromMs + 100 * index + 100,
      speakerTag: tags[index] ?? 0,
      confidence: -0.2,
    })),
  });
}

function untimed(transcript: string, languages: readonly string[] = []) {
  return riva.SpeechRecognitionAlternative.fromPartial({ transcript, languageCode: [...languages] });
}

function segmentsIn(events: readonly EngineEvent[]) {
  return events.flatMap((event) => (event.type === 'segment' ? [event.segment] : []));
}

describe('TranscriptAssembly', () => {
  it('makes a segment of a final, trimmed, with the times of its words and no score', () => {
    const assembly = new TranscriptAssembly(plain);
    const events = assembly.settle(said('  Good  morning. ', 'good morning', 500), position(900));
    expect(events).toEqual([
      { type: 'segment', segment: { startMs: 500, endMs: 700, text: 'Good morning.' } },
      { type: 'progress', processedMs: 900, stage: 'transcribing' },
    ]);
  });

  it('gives words as the text has them, where they are asked for', () => {
    const assembly = new TranscriptAssembly({ ...plain, wordTimestamps: true });
    const [segment] = segmentsIn(assembly.settle(said('Take 20 pills.', 'take twenty pills', 0), position()));
    expect(segment?.words).toEqual([
      { text: 'Take', startMs: 0, endMs: 100 },
      { text: '20', startMs: 100, endMs: 200 },
      { text: 'pills.', startMs: 200, endMs: 300 },
    ]);
  });

  it('gives scores only where they are declared to be probabilities, and only those that can be', () => {
    const assembly = new TranscriptAssembly({ ...plain, wordTimestamps: true, confidence: true });
    const scored = { ...said('a b', 'a b', 0), confidence: 0.75 };
    const [segment] = segmentsIn(assembly.settle(scored, position()));
    expect(segment?.confidence).toBe(0.75);
    expect(segment?.words?.map(({ confidence }) => confidence)).toEqual([undefined, undefined]);
  });

  it('splits a final where the speaker changes, and numbers speakers from 0 by first speech', () => {
    const assembly = new TranscriptAssembly({ ...plain, diarization: true, wordTimestamps: true });
    const final = said('Any pain? No. Good.', 'any pain no good', 0, [2, 2, 1, 2]);
    expect(segmentsIn(assembly.settle(final, position())).map(({ text, speakerTag }) => [text, speakerTag])).toEqual([
      ['Any pain?', 0],
      ['No.', 1],
      ['Good.', 0],
    ]);
    const [next] = segmentsIn(assembly.settle(said('Fine.', 'fine', 900, [1]), position()));
    expect(next).toMatchObject({ speakerTag: 1, words: [{ text: 'Fine.', speakerTag: 1 }] });
  });

  it('says when nobody was told apart', () => {
    const assembly = new TranscriptAssembly({ ...plain, diarization: true });
    expect(assembly.lacksSpeakers).toBe(false);
    assembly.settle(said('a b c', 'a b c', 0), position());
    expect(assembly.lacksSpeakers).toBe(true);
    assembly.settle(said('d', 'd', 400, [1]), position());
    expect(assembly.lacksSpeakers).toBe(false);
  });

  it('keeps times in order and within the audio that was read', () => {
    const assembly = new TranscriptAssembly({ ...plain, wordTimestamps: true });
    assembly.settle(said('a b', 'a b', 500), position(undefined, 1_000));
    const [late] = segmentsIn(assembly.settle(said('c d e', 'c d e', 600), position(undefined, 850)));
    expect(late).toMatchObject({ startMs: 700, endMs: 850 });
    expect(late?.words?.map(({ startMs }) => startMs)).toEqual([700, 700, 800]);
  });

  it('lays a text without timed words between the one before it and what was consumed', () => {
    const assembly = new TranscriptAssembly({ ...plain, wordTimestamps: true });
    assembly.settle(said('a', 'a', 0), position());
    const [segment] = segmentsIn(assembly.settle(untimed('bb cc'), position(500)));
    expect(segment).toMatchObject({ startMs: 100, endMs: 500, text: 'bb cc' });
    expect(segment?.words).toEqual([
      { text: 'bb', startMs: 100, endMs: 300, interpolated: true },
      { text: 'cc', startMs: 300, endMs: 500, interpolated: true },
    ]);
  });

  it('knows where a new stream has to begin, and that it does not know it after a text without times', () => {
    const assembly = new TranscriptAssembly(plain);
    expect(assembly.settledMs).toBe(0);
    // What was consumed may be ahead of the text: speech after the final would be lost.
    assembly.settle(said('a b', 'a b', 0), position(5_000));
    expect(assembly.settledMs).toBe(200);
    assembly.settle(untimed('c'), position(6_000));
    expect(assembly.settledMs).toBeUndefined();
  });

  it('joins the parts of an interim, and sends it only where partials are asked for', () => {
    const partials = new TranscriptAssembly({ ...plain, partialResults: true });
    expect(partials.hear(['good ', 'mor'], position(400))).toEqual([{ type: 'partial', text: 'good mor', startMs: 0 }]);
    expect(new TranscriptAssembly(plain).hear(['good ', 'mor'], position(400))).toEqual([]);
  });

  it('makes the last interim stay at the end, unless a final came after it', () => {
    const assembly = new TranscriptAssembly(plain);
    assembly.hear(['left over'], position(700));
    assembly.hear([' '], position(800));
    expect(segmentsIn(assembly.promoteInterim())).toEqual([{ startMs: 0, endMs: 700, text: 'left over' }]);
    assembly.hear(['said'], position(900));
    assembly.settle(said('Said.', 'said', 800), position(900));
    expect(assembly.promoteInterim()).toEqual([]);
    assembly.hear(['heard again'], position(990));
    assembly.forgetInterim();
    expect(assembly.promoteInterim()).toEqual([]);
  });

  it('takes empty finals for what they are: nothing was said', () => {
    const assembly = new TranscriptAssembly(plain);
    expect(assembly.settle(untimed('  '), position(300))).toEqual([]);
    expect(assembly.settledMs).toBe(0);
  });

  it('reports progress that never falls and never passes the audio', () => {
    const assembly = new TranscriptAssembly(plain);
    const told = [600, 400, 700, 5_000, 9_000].flatMap((ms) => assembly.hear(['x'], position(ms, 4_000)));
    expect(told.map((event) => event.type === 'progress' && event.processedMs)).toEqual([600, 4_000]);
    expect(assembly.finish(4_000)).toEqual([]);
    expect(assembly.finish(4_100)).toEqual([{ type: 'progress', processedMs: 4_100, stage: 'transcribing' }]);
  });

  it('tells the language that was detected most', () => {
    const assembly = new TranscriptAssembly(plain);
    expect(assembly.language).toBeUndefined();
    assembly.settle(untimed('hola', ['es-us']), position());
    assembly.settle(untimed('hi', ['en']), position());
    assembly.settle(untimed('adios', ['es-US']), position());
    assembly.settle(untimed('x', ['multi', '']), position());
    expect(assembly.language).toBe('es-US');
  });
});
