import fc from 'fast-check';
import { SampleBuffer } from './sample-buffer.js';

function pcm(samples: readonly number[]): Uint8Array {
  return new Uint8Array(Int16Array.from(samples).buffer);
}

describe('SampleBuffer', () => {
  it('gives the same samples however the bytes are cut into chunks', () => {
    const chunking = fc.array(fc.integer({ min: 0, max: 7 }), { maxLength: 40 });
    const audio = fc.array(fc.integer({ min: -32_768, max: 32_767 }), { maxLength: 60 });
    fc.assert(
      fc.property(audio, chunking, (samples, sizes) => {
        const buffer = new SampleBuffer();
        let rest = pcm(samples);
        for (const size of sizes) {
          buffer.append(rest.subarray(0, size));
          rest = rest.subarray(size);
        }
        buffer.append(rest);
        expect(buffer.end).toBe(samples.length);
        expect([...buffer.read(0, buffer.end)]).toEqual(samples.map((sample) => sample / 32_768));
      }),
    );
  });

  it('keeps positions when its start is discarded', () => {
    const buffer = new SampleBuffer();
    buffer.append(pcm([100, 200, 300, 400]));
    buffer.discardBefore(2);
    buffer.append(pcm([500]));
    expect([...buffer.read(2, 5)].map((value) => value * 32_768)).toEqual([300, 400, 500]);
    expect(buffer.end).toBe(5);
  });

  it('gives silence for what lies outside of it', () => {
    const buffer = new SampleBuffer();
    buffer.append(pcm([8192]));
    expect([...buffer.read(-2, 3)]).toEqual([0, 0, 0.25, 0, 0]);
  });

  it('leaves out half a sample at the end', () => {
    const buffer = new SampleBuffer();
    buffer.append(Uint8Array.of(1, 2, 3));
    expect(buffer.end).toBe(1);
  });

  it('grows beyond its first size', () => {
    const buffer = new SampleBuffer();
    const minute = new Uint8Array(2 * 960_000).fill(1);
    buffer.append(minute);
    buffer.append(minute);
    expect(buffer.end).toBe(1_920_000);
    expect(buffer.read(1_919_999, 1_920_000)[0]).toBeCloseTo(257 / 32_768);
  });
});
