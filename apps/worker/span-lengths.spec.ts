import { defaultSpanLengths } from '#audio';
import { spanLengths } from './span-lengths.js';

const MINUTE_MS = 60_000;

describe('spanLengths', () => {
  it('gives the default lengths where nothing is known', () => {
    expect(spanLengths({ audioMs: undefined, places: 8, limitsMs: [] })).toEqual(defaultSpanLengths);
  });

  it('gives the default lengths to a single place', () => {
    expect(spanLengths({ audioMs: 60 * MINUTE_MS, places: 1, limitsMs: [undefined] })).toEqual(defaultSpanLengths);
  });

  it.each([
    // audio in minutes, places, target in seconds
    [10, 8, 75],
    [60, 8, 112],
    [60, 4, 112],
    [60, 7, 102],
    [2, 8, 30],
    [600, 64, 112],
  ])('cuts %i minutes for %i places at about %i s', (minutes, places, seconds) => {
    const { targetMs } = spanLengths({ audioMs: minutes * MINUTE_MS, places, limitsMs: [undefined] });
    expect(Math.floor(targetMs / 1000)).toBe(seconds);
  });

  it('makes spans more alike where all places are to end together', () => {
    const { targetMs, minMs, maxMs } = spanLengths({ audioMs: 60 * MINUTE_MS, places: 8, limitsMs: [] });
    expect([minMs, targetMs, maxMs]).toEqual([101_250, 112_500, 123_750]);
    const short = spanLengths({ audioMs: 2 * MINUTE_MS, places: 8, limitsMs: [] });
    expect([short.minMs, short.targetMs, short.maxMs]).toEqual([22_500, 30_000, 37_500]);
  });

  it('does not cut short recordings into shorter pieces', () => {
    expect(spanLengths({ audioMs: 55_000, places: 8, limitsMs: [] })).toEqual(defaultSpanLengths);
  });

  it('makes no span longer than the engines take', () => {
    expect(spanLengths({ audioMs: undefined, places: 1, limitsMs: [60_000, undefined] }).maxMs).toBe(60_000);
    expect(spanLengths({ audioMs: 10 * MINUTE_MS, places: 2, limitsMs: [60_000] }).maxMs).toBeLessThanOrEqual(60_000);
  });

  it('leaves out an engine that takes only short pieces, unless there is no other', () => {
    expect(spanLengths({ audioMs: undefined, places: 1, limitsMs: [10_000, undefined] })).toEqual(defaultSpanLengths);
    expect(spanLengths({ audioMs: undefined, places: 1, limitsMs: [5_000, 10_000] }).maxMs).toBe(10_000);
  });
});
