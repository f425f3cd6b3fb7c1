import { type TimedWord, segmentsOf, spreadWords } from './segments.js';
import { alignWords, tokensOf } from './word-alignment.js';

function words(text: string, tags: readonly number[] = []): TimedWord[] {
  return text.split(' ').map((word, index) => ({
    text: word,
    startMs: index * 100,
    endMs: index * 100 + 80,
    ...(tags[index] !== undefined && { speakerTag: tags[index] }),
  }));
}

describe('alignWords', () => {
  it('takes the words of the text where there is one for each', () => {
    expect(alignWords(['Hi,', 'Bob.'], ['hi', 'bob']).map(({ text }) => text)).toEqual(['Hi,', 'Bob.']);
  });

  it('finds words again after a number that is written in another way', () => {
    const aligned = alignWords(tokensOf('Take 25 pills, twice.'), ['take', 'twenty', 'five', 'pills', 'twice']);
    expect(aligned).toEqual([
      { token: 0, text: 'Take' },
      { token: 1, text: 'twenty' },
      { token: 1, text: 'five' },
      { token: 2, text: 'pills,' },
      { token: 3, text: 'twice.' },
    ]);
  });

  it('stays within a text that has fewer words, or none of them', () => {
    expect(alignWords(['你好'], ['你', '好'])).toEqual([
      { token: 0, text: '你' },
      { token: 0, text: '好' },
    ]);
    expect(alignWords([], ['a'])).toEqual([{ token: 0, text: 'a' }]);
  });

  it('takes time in proportion to the words', () => {
    const many = Array.from({ length: 50_000 }, (_, index) => `w${index % 7}`);
    const begun = performance.now();
    expect(alignWords(many.slice(1), many)).toHaveLength(50_000);
    expect(performance.now() - begun).toBeLessThan(5_000);
  });
});

describe('segmentsOf', () => {
  it('divides the text between speakers also where words and text differ', () => {
    const settled = {
      text: 'Take 25 pills. OK.',
      words: words('take twenty five pills okay', [0, 0, 0, 0, 1]),
    };
    expect(segmentsOf(settled, false).map(({ text, speakerTag }) => [text, speakerTag])).toEqual([
      ['Take 25 pills.', 0],
      ['OK.', 1],
    ]);
  });

  it('divides a text without spaces where the speaker changes', () => {
    const settled = { text: '你好吗？我很好。', words: words('你 好 吗 我 很 好', [0, 0, 0, 1, 1, 1]) };
    const segments = segmentsOf(settled, true);
    expect(segments.map(({ text, speakerTag }) => [text, speakerTag])).toEqual([
      ['你好吗？', 0],
      ['我很好。', 1],
    ]);
    expect(segments[0]?.words?.map(({ text }) => text)).toEqual(['你', '好', '吗？']);
  });

  it('loses no text and invents none, whoever spoke', () => {
    const text = 'One 23 four five, six!';
    const spoken = words('one twenty three four five six', [0, 1, 0, 1, 0, 1]);
    const segments = segmentsOf({ text, words: spoken }, true);
    expect(segments.map((segment) => segment.text).join(' ')).toBe(text);
    expect(segments.every((segment) => segment.text !== '')).toBe(true);
    expect(segments.flatMap((segment) => segment.words ?? [])).toHaveLength(6);
  });
});

describe('spreadWords', () => {
  it('spreads words over the time by their length and says so', () => {
    expect(spreadWords('a bbb', 1_000, 1_400, 2)).toEqual([
      { text: 'a', startMs: 1_000, endMs: 1_100, speakerTag: 2, interpolated: true },
      { text: 'bbb', startMs: 1_100, endMs: 1_400, speakerTag: 2, interpolated: true },
    ]);
  });
});
