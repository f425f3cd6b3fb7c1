import fc from 'fast-check';
import { FRAME_SAMPLES, type Utterance, UtteranceSegmenter, defaultSegmenterOptions } from './utterance-segmenter.js';

const FRAME_MS = 32;

/** Probabilities of stretches given in milliseconds: positive speech, negative silence. */
function stretches(...lengths: number[]): number[] {
  return lengths.flatMap((ms) => Array<number>(Math.round(Math.abs(ms) / FRAME_MS)).fill(ms > 0 ? 0.95 : 0.02));
}

function segment(probabilities: readonly number[]): Utterance[] {
  const segmenter = new UtteranceSegmenter();
  return [...segmenter.push(probabilities), ...segmenter.flush()];
}

function inMs({ start, end }: Utterance): [number, number] {
  return [(start / FRAME_SAMPLES) * FRAME_MS, (end / FRAME_SAMPLES) * FRAME_MS];
}

describe('UtteranceSegmenter', () => {
  it('gives nothing for silence', () => {
    expect(segment(stretches(-60_000))).toEqual([]);
  });

  it('gives one utterance for each stretch of speech between long pauses', () => {
    const utterances = segment(stretches(-960, 1920, -960, 3200, -960));
    expect(utterances.map(inMs)).toEqual([
      [960, 2880],
      [3840, 7040],
    ]);
  });

  it('keeps speech together over a short pause', () => {
    expect(segment(stretches(1600, -320, 1600, -960))).toHaveLength(1);
  });

  it('cuts at a shorter pause the longer the utterance is', () => {
    expect(segment(stretches(11_200, -256, 1600))).toHaveLength(2);
  });

  it('drops a click that is too short for speech', () => {
    expect(segment(stretches(-960, 160, -960))).toEqual([]);
  });

  it('keeps speech that the end of the audio cuts off', () => {
    expect(segment(stretches(-960, 1600)).map(inMs)).toEqual([[960, 2560]]);
  });

  it('does not flicker between the two thresholds', () => {
    const wavering = Array.from({ length: 100 }, (_, frame) => (frame % 2 ? 0.4 : 0.6));
    expect(segment([...wavering, ...stretches(-960)])).toHaveLength(1);
  });

  it('does not begin at a probability between the two thresholds', () => {
    expect(segment(Array<number>(100).fill(0.45))).toEqual([]);
  });

  it('cuts endless speech where speech is least likely', () => {
    const probabilities = stretches(32_000);
    probabilities[320] = 0.4;
    const [first, second] = segment(probabilities);
    expect(Math.abs((first?.end ?? 0) / FRAME_SAMPLES - 320)).toBeLessThanOrEqual(3);
    expect(second?.start).toBe(first?.end);
  });

  it('adds context for the recogniser but never sound of the utterance before', () => {
    const [first, second] = segment(stretches(-960, 11_200, -224, 1600, -960));
    expect(first?.audioStart).toBe((first?.start ?? 0) - 3200);
    expect(second?.audioStart).toBeGreaterThanOrEqual(first?.end ?? Infinity);
  });

  it('says from where on nothing has been given', () => {
    const segmenter = new UtteranceSegmenter();
    segmenter.push(stretches(-9600));
    expect(segmenter.settled).toBe(300 * FRAME_SAMPLES - 3200);
    segmenter.push(stretches(960));
    expect(segmenter.settled).toBe(300 * FRAME_SAMPLES - 3200);
  });

  it('gives ordered utterances within the audio and the length limit, however the frames are cut', () => {
    const audio = fc.array(fc.float({ min: 0, max: 1, noNaN: true }), { maxLength: 1500 });
    fc.assert(
      fc.property(audio, fc.integer({ min: 1, max: 1500 }), (probabilities, cut) => {
        const segmenter = new UtteranceSegmenter();
        const utterances = [
          ...segmenter.push(probabilities.slice(0, cut)),
          ...segmenter.push(probabilities.slice(cut)),
          ...segmenter.flush(),
        ];
        expect(utterances).toEqual(segment(probabilities));
        let last = 0;
        for (const { start, end, audioStart, audioEnd } of utterances) {
          expect(audioStart).toBeGreaterThanOrEqual(last);
          expect(start).toBeGreaterThanOrEqual(audioStart);
          expect(end).toBeGreaterThan(start);
          expect(audioEnd).toBeGreaterThanOrEqual(end);
          expect(audioEnd).toBeLessThanOrEqual(probabilities.length * FRAME_SAMPLES);
          expect(end - start).toBeLessThanOrEqual(16 * (defaultSegmenterOptions.maxUtteranceMs + FRAME_MS));
          last = end;
        }
      }),
    );
  });
});
