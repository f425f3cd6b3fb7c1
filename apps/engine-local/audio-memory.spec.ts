import { AudioMemory, type EncodedLayer, floats } from './audio-memory.js';
import { AUDIO_MASK, layerValues } from './moonshine-graphs.js';

const shape = { layers: 1, heads: 2, headSize: 2 };

/** Keys `[2, 2, frames]` and values `[2, frames, 2]` whose numbers say which row they belong to. */
function encoded(row: number, frames: number): EncodedLayer[] {
  const count = 4 * frames;
  return [
    {
      key: Float32Array.from({ length: count }, (_, i) => 100 * row + i),
      value: Float32Array.from({ length: count }, (_, i) => -100 * row - i),
    },
  ];
}

function memory(): AudioMemory {
  const result = new AudioMemory(3, 2, shape);
  result.write(0, 2, encoded(1, 2));
  result.write(1, 1, encoded(2, 1));
  result.write(2, 2, encoded(3, 2));
  return result;
}

/** Rows are filled up to so many frames. */
const FRAMES = 64;
const ROW = 4 * FRAMES;

function numbers(of: AudioMemory, name: string): number[] {
  return [...floats(of.feeds()[name])];
}

/** The first numbers of each block of that width. */
function heads(of: readonly number[], width: number, count: number): number[] {
  return of.filter((_, index) => index % width < count);
}

/** Places of the frames that are attended to. */
function seen(of: AudioMemory): number[] {
  return numbers(of, AUDIO_MASK).flatMap((value, index) => (value === 0 ? [index] : []));
}

describe('AudioMemory', () => {
  it('pads shorter rows frame by frame and masks the padding', () => {
    const keys = numbers(memory(), layerValues.key(0)).slice(ROW, 2 * ROW);
    const values = numbers(memory(), layerValues.value(0)).slice(ROW, 2 * ROW);
    expect(heads(keys, FRAMES, 2)).toEqual([200, 0, 201, 0, 202, 0, 203, 0]);
    expect(heads(values, 2 * FRAMES, 4)).toEqual([-200, -201, 0, 0, -202, -203, 0, 0]);
    expect([keys, values].map((row) => row.filter((value) => value !== 0).length)).toEqual([4, 4]);
    expect(seen(memory())).toEqual([0, 1, FRAMES, 2 * FRAMES, 2 * FRAMES + 1]);
  });

  it('keeps the rows that stay, together with their masks', () => {
    const kept = memory();
    kept.keep([1, 2]);
    expect(kept.feeds()[layerValues.key(0)]?.dims).toEqual([2, 2, 2, FRAMES]);
    expect(heads(numbers(kept, layerValues.key(0)), FRAMES, 2)).toEqual([
      ...[200, 0, 201, 0, 202, 0, 203, 0],
      ...[300, 301, 302, 303, 304, 305, 306, 307],
    ]);
    expect(seen(kept)).toEqual([0, FRAMES, FRAMES + 1]);
  });

  it('gives a row the same room whatever is the longest row of its batch', () => {
    const alone = new AudioMemory(1, 2, shape);
    const beside = new AudioMemory(2, FRAMES, shape);
    for (const each of [alone, beside]) expect(each.feeds()[AUDIO_MASK]?.dims[3]).toBe(FRAMES);
    expect(new AudioMemory(1, FRAMES + 1, shape).feeds()[AUDIO_MASK]?.dims[3]).toBe(2 * FRAMES);
  });
});
