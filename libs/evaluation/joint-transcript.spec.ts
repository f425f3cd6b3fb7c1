import type { EngineKind, TranscriptSegment } from '#contracts';
import { JointStretch } from './joint-transcript.js';
import { spokenWords } from './segment-words.js';
import { wordNetwork } from './word-network.js';

function segment(
  startMs: number,
  endMs: number,
  text: string,
  more: Partial<TranscriptSegment> = {},
): TranscriptSegment {
  return { id: `0-${startMs}`, span: 0, startMs, endMs, text, ...more };
}

function stretch(lanes: Partial<Record<EngineKind, TranscriptSegment[]>>) {
  const joint = new JointStretch(
    Object.entries(lanes).map(([engine, segments]) => ({ engine: engine as EngineKind, segments })),
  );
  return { joint, network: wordNetwork(joint.forms) };
}

describe('spokenWords', () => {
  it('spreads a segment without words by their length', () => {
    expect(spokenWords([segment(0, 1_000, 'Oh, please!')])).toEqual([
      { text: 'Oh,', form: 'oh', startMs: 0, endMs: 250, interpolated: true, segment: 0 },
      { text: 'please!', form: 'please', startMs: 250, endMs: 1_000, interpolated: true, segment: 0 },
    ]);
  });

  it('takes times from the words and spelling from the text', () => {
    const words = [
      { text: 'yes', startMs: 10, endMs: 20, confidence: 0.5 },
      { text: 'sir', startMs: 30, endMs: 40 },
    ];
    expect(spokenWords([segment(0, 50, 'Yes, Sir.', { words, confidence: 0.9, speakerTag: 1 })])).toEqual([
      { text: 'Yes,', form: 'yes', startMs: 10, endMs: 20, confidence: 0.5, speakerTag: 1, segment: 0 },
      { text: 'Sir.', form: 'sir', startMs: 30, endMs: 40, confidence: 0.9, speakerTag: 1, segment: 0 },
    ]);
  });

  it('goes by the words where they are not those of the text', () => {
    const words = [{ text: 'well-known', startMs: 0, endMs: 90 }];
    expect(
      spokenWords([segment(0, 100, 'very well known', { words })]).map(({ form, endMs }) => [form, endMs]),
    ).toEqual([
      ['well', 40],
      ['known', 90],
    ]);
  });
});

describe('JointStretch', () => {
  it('votes a text with the engine of each word, cut as the first engine cut it', () => {
    const { joint, network } = stretch({
      asr: [segment(0, 300, 'the cat sad'), segment(400, 600, 'on mats')],
      whisperx: [segment(0, 600, 'The cat sat on mats.', { confidence: 0.9 })],
      local: [segment(0, 600, 'a cat sat on mats')],
    });
    const segments = joint.consensus(network, 6);
    expect(segments.map(({ id, span, text }) => [id, span, text])).toEqual([
      ['6-v0', 6, 'The cat sat'],
      ['6-v1', 6, 'on mats.'],
    ]);
    expect(segments.flatMap(({ words = [] }) => words.map(({ engine }) => engine))).toEqual(
      Array.from({ length: 5 }, () => 'whisperx'),
    );
    for (const { words = [] } of segments) {
      const starts = words.map(({ startMs }) => startMs);
      expect(starts).toEqual(starts.toSorted((a, b) => a - b));
    }
  });

  it('goes by the engine that heard something where the first heard nothing', () => {
    const { joint, network } = stretch({ asr: [], whisperx: [segment(0, 100, 'hello there')] });
    expect(joint.consensus(network, 0).map(({ text }) => text)).toEqual(['hello there']);
  });

  it('gives nothing for silence', () => {
    const { joint, network } = stretch({ asr: [], local: [] });
    expect(joint.consensus(network, 0)).toEqual([]);
    expect(joint.diff(network)).toEqual([]);
  });

  it('cuts where the speaker changes, by the first engine that tells speakers apart', () => {
    const { joint, network } = stretch({
      asr: [segment(0, 400, 'how are you fine')],
      whisperx: [segment(0, 300, 'how are you', { speakerTag: 3 }), segment(300, 400, 'fine', { speakerTag: 1 })],
    });
    expect(joint.consensus(network, 0).map(({ text, speakerTag }) => [text, speakerTag])).toEqual([
      ['how are you', 3],
      ['fine', 1],
    ]);
    expect(joint.first(network).map(({ text, speakerTag }) => [text, speakerTag])).toEqual([['how are you fine', 3]]);
  });

  it('shows where they differ', () => {
    const { joint, network } = stretch({
      asr: [segment(0, 300, 'the cat sat')],
      local: [segment(0, 300, 'the dog sat down')],
    });
    expect(joint.diff(network).map(({ agreed, texts }) => [agreed, texts])).toEqual([
      [true, ['the', 'the']],
      [false, ['cat', 'dog']],
      [true, ['sat', 'sat']],
      [false, ['', 'down']],
    ]);
  });
});
