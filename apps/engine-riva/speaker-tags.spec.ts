import { SpeakerTags } from './speaker-tags.js';

/** The numbers of each text of a call. */
function numbered(...texts: readonly (readonly number[])[]): readonly (readonly number[])[] {
  const tags = new SpeakerTags();
  return texts.map((labels) => tags.number(labels));
}

describe('SpeakerTags', () => {
  it('numbers labels in order of first speech, whatever they are', () => {
    expect(numbered([3, 3, 1], [1, 7, 3])).toEqual([
      [0, 0, 1],
      [1, 2, 0],
    ]);
  });

  it('gives words without a label to the speaker before them, at the beginning to the one after', () => {
    expect(numbered([0, 0, 2, 0, 1, 0])).toEqual([[0, 0, 0, 0, 1, 1]]);
  });

  it('gives a single word without a label to who spoke last', () => {
    expect(numbered([1, 2], [0], [1])).toEqual([[0, 1], [1], [0]]);
  });

  it('takes 0 for a speaker where it labels a whole text', () => {
    expect(numbered([0, 0, 0], [1, 1], [0, 1])).toEqual([
      [0, 0, 0],
      [1, 1],
      [0, 1],
    ]);
  });

  it('takes 0 for a speaker where it labels many words in a row, and from then on everywhere', () => {
    expect(numbered([1, 0, 1], [1, 0, 0, 0, 0], [1, 0, 1])).toEqual([
      [0, 0, 0],
      [0, 1, 1, 1, 1],
      [0, 1, 0],
    ]);
  });

  it('knows whether anybody was told apart', () => {
    const tags = new SpeakerTags();
    tags.number([0, 0, 0]);
    expect(tags.toldApart).toBe(false);
    tags.number([0, 1]);
    expect(tags.toldApart).toBe(true);
    const single = new SpeakerTags();
    single.number([1, 1]);
    expect(single.toldApart).toBe(true);
  });
});
