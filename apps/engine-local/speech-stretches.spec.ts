import { stretchesOf } from './speech-stretches.js';
import { FRAME_SAMPLES } from './utterance-segmenter.js';

const FRAMES = 2_000;

/** Sound with pauses of 24 frames that begin at these frames. */
function block(...pauses: number[]): Float32Array {
  return Float32Array.from({ length: FRAMES * FRAME_SAMPLES }, (_, at) => {
    const frame = at / FRAME_SAMPLES;
    return pauses.some((pause) => frame >= pause && frame < pause + 24) ? 0 : 0.3 * Math.sin(at / 7);
  });
}

describe('stretchesOf', () => {
  it('splits within pauses, leaves nothing out and repeats nothing', () => {
    const pauses = [240, 490, 760, 1010, 1240, 1500, 1760];
    const stretches = stretchesOf(block(...pauses));
    expect(stretches).toHaveLength(8);
    expect(stretches[0]?.start).toBe(0);
    expect(stretches.at(-1)?.end).toBe(FRAMES);
    for (const [index, { start }] of stretches.slice(1).entries()) {
      expect(start).toBe(stretches[index]?.end);
      // In the middle: a third of a second of silence lies before it.
      expect(Math.abs(start - (pauses[index] ?? 0) - 12)).toBeLessThanOrEqual(1);
    }
  });

  it('does not split speech without pauses, nor a short block', () => {
    expect(stretchesOf(block())).toEqual([{ start: 0, end: FRAMES }]);
    expect(stretchesOf(block(1_000)).map(({ start }) => start)).toEqual([0, 1_012]);
    expect(stretchesOf(new Float32Array(200 * FRAME_SAMPLES))).toEqual([{ start: 0, end: 200 }]);
  });
});
