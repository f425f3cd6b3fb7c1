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

function numbers(of: AudioMemory, name: string): number[] {
  return [...floats(of.feeds()[name])];
}

describe('AudioMemory', () => {
  it('pads shorter rows frame by frame and masks the padding', () => {
    expect(numbers(memory(), layerValues.key(0)).slice(8, 16)).toEqual([200, 0, 201, 0, 202, 0, 203, 0]);
    expect(numbers(memory(), layerValues.value(0)).slice(8, 16)).toEqual([-200, -201, 0, 0, -202, -203, 0, 0]);
    expect(numbers(memory(), AUDIO_MASK).map((value) => value === 0)).toEqual([true, true, true, false, true, true]);
  });

  it('keeps the rows that stay, together with their masks', () => {
    const kept = memory();
    kept.keep([1, 2]);
    expect(kept.feeds()[layerValues.key(0)]?.dims).toEqual([2, 2, 2, 2]);
    expect(numbers(kept, layerValues.key(0))).toEqual([
      ...[200, 0, 201, 0, 202, 0, 203, 0],
      ...[300, 301, 302, 303, 304, 305, 306, 307],
    ]);
    expect(numbers(kept, AUDIO_MASK).map((value) => value === 0)).toEqual([true, false, true, true]);
  });
});
