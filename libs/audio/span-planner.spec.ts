import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { type PcmSpan, planSpans, type SpanPlanOptions } from './span-planner.js';
import { makePcm, makeSilence, makeTone } from './testing.js';

/** A tenth of a second for each second in production. */
const lengths = { targetMs: 1200, minMs: 900, maxMs: 1500, shortestTailMs: 150 };

/** A source in chunks of these sizes over and over, which knows whether it was closed and how much was pulled. */
class ChunkedPcm {
  closed = false;
  pulledBytes = 0;

  constructor(
    private readonly pcm: Buffer,
    private readonly sizes: readonly number[] = [4096],
  ) {}

  // eslint-disable-next-line @typescript-eslint/require-await
  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer> {
    try {
      for (let i = 0; this.pulledBytes < this.pcm.length; i++) {
        const start = this.pulledBytes;
        this.pulledBytes += this.sizes[i % this.sizes.length] ?? 1;
        yield this.pcm.subarray(start, this.pulledBytes);
      }
    } finally {
      this.closed = true;
    }
  }
}

async function plan(pcm: Buffer, options: SpanPlanOptions = {}, sizes?: readonly number[]): Promise<PcmSpan[]> {
  const spans: PcmSpan[] = [];
  for await (const span of planSpans(new ChunkedPcm(pcm, sizes), { ...lengths, ...options })) spans.push(span);
  return spans;
}

/** A span's own audio, without what it hears of its neighbours. */
function own({ pcm, leadMs, tailMs }: PcmSpan): Buffer {
  return pcm.subarray(32 * leadMs, pcm.length - 32 * tailMs);
}

/** Spans with a digest in place of their sound: comparing buffers number by number takes seconds. */
function digests(spans: readonly PcmSpan[]) {
  return spans.map(({ pcm, ...span }) => ({ ...span, pcm: createHash('sha256').update(pcm).digest('hex') }));
}

function soundOf(spans: readonly PcmSpan[]) {
  return digests(spans).map(({ startMs, endMs, pcm }) => ({ startMs, endMs, pcm }));
}

/** Bursts of sound and pauses, with soft noise under all. */
const speechLike = fc
  .tuple(
    fc.array(fc.tuple(fc.integer({ min: 50, max: 700 }), fc.integer({ min: 0, max: 400 })), { maxLength: 12 }),
    fc.nat(16),
  )
  .map(([bursts, oddSamples]) =>
    Buffer.concat([
      ...bursts.flatMap(([sound, pause]) => [makeTone(sound), makeSilence(pause)]),
      Buffer.alloc(2 * oddSamples, 7),
    ]),
  );

describe('planSpans', () => {
  it('gives no span for no audio', async () => {
    expect(await plan(Buffer.alloc(0))).toEqual([]);
    expect(await plan(Buffer.alloc(1))).toEqual([]);
  });

  it('gives short audio as one span', async () => {
    const pcm = makeTone(1500);
    const expected = { index: 0, startMs: 0, endMs: 1500, leadMs: 0, tailMs: 0, pcm };
    expect(digests(await plan(pcm))).toEqual(digests([expected]));
  });

  it('cuts in the middle of a pause', async () => {
    const pcm = Buffer.concat([makeTone(1000), makeSilence(300), makeTone(1300)]);
    const [first, second, ...more] = await plan(pcm);
    expect(more).toEqual([]);
    expect(first).toMatchObject({ endMs: 1152 });
    expect(second).toMatchObject({ startMs: 1152, endMs: 2600 });
  });

  it('prefers the end of a sentence to a shorter pause that is deeper', async () => {
    const sentenceEnd = makeTone(750, 0.005);
    const pcm = Buffer.concat([makeTone(2000), sentenceEnd, makeTone(250), makeSilence(300), makeTone(3000)]);
    const [first] = await plan(pcm, { targetMs: 2700, minMs: 1800, maxMs: 3600 });
    expect(Math.abs((first?.endMs ?? 0) - 2375)).toBeLessThanOrEqual(50);
  });

  it('cuts where the frames of the voice detection meet, and lets spans hear whole frames of each other', async () => {
    for (const pcm of [makeTone(6000), makeSilence(6000)]) {
      const spans = await plan(pcm, { overlapMs: 130 });
      expect(spans.length).toBeGreaterThan(3);
      for (const { startMs, leadMs } of spans) expect([startMs % 32, leadMs % 32]).toEqual([0, 0]);
    }
  });

  it('prefers the deeper of two pauses', async () => {
    const pcm = Buffer.concat([makeTone(950), makeSilence(250), makeTone(20), makeTone(250, 0.05), makeTone(1300)]);
    expect((await plan(pcm))[0]?.endMs).toBeLessThan(1200);
  });

  it('cuts near the target where there is no pause', async () => {
    const [first] = await plan(makeTone(4000));
    expect(Math.abs((first?.endMs ?? 0) - 1200)).toBeLessThanOrEqual(100);
  });

  it('cuts silence at the target', async () => {
    expect((await plan(makeSilence(4000)))[0]).toMatchObject({ endMs: 1216 });
  });

  it('is not deceived by a constant offset of the samples', async () => {
    const offset = (from: number, to: number) => (sample: number) =>
      sample >= from && sample < to ? 0.3 : 0.3 + 0.2 * Math.sin(sample / 12);
    const [first] = await plan(makePcm(2500, offset(16_000, 20_800)));
    expect(first).toMatchObject({ endMs: 1152 });
  });

  it('leaves no tail shorter than allowed', async () => {
    const spans = await plan(makeTone(1560));
    expect(spans).toHaveLength(2);
    expect((spans[1]?.endMs ?? 0) - (spans[1]?.startMs ?? 0)).toBeGreaterThanOrEqual(150);
  });

  it('lets both sides hear the other where there is no pause between them', async () => {
    const [first, second] = await plan(makeTone(4000), { overlapMs: 100 });
    expect(first).toMatchObject({ leadMs: 0, tailMs: 96 });
    expect(second).toMatchObject({ startMs: first?.endMs, leadMs: 96 });
    expect(first && first.pcm.length / 32).toBe((first?.endMs ?? 0) + 96);
  });

  it('overlaps nothing at a pause, in silence or where that is not wanted', async () => {
    const pauses = await plan(Buffer.concat([makeTone(1000), makeSilence(300), makeTone(1300)]));
    const silence = await plan(makeSilence(4000));
    const unwanted = await plan(makeTone(4000), { overlapMs: 0 });
    for (const span of [...pauses, ...silence, ...unwanted]) expect(span).toMatchObject({ leadMs: 0, tailMs: 0 });
  });

  it('cuts without gap or loss, within the lengths, and the same for any chunks', async () => {
    await fc.assert(
      fc.asyncProperty(
        speechLike,
        fc.array(fc.integer({ min: 333, max: 70_000 }), { minLength: 1 }),
        async (pcm, sizes) => {
          const spans = await plan(pcm);
          expect(Buffer.concat(spans.map(own)).equals(pcm)).toBe(true);
          let end = 0;
          for (const [i, span] of spans.entries()) {
            const isLast = i === spans.length - 1;
            const length = span.endMs - span.startMs;
            expect([span.index, span.startMs]).toEqual([i, end]);
            expect(length).toBeLessThanOrEqual(lengths.maxMs + (isLast ? 1 : 0));
            expect(length).toBeGreaterThanOrEqual(
              spans.length === 1 ? 0 : isLast ? lengths.shortestTailMs : lengths.minMs,
            );
            expect(Math.ceil(own(span).length / 32)).toBe(length);
            expect(span.leadMs).toBe(spans[i - 1]?.tailMs ?? 0);
            end = span.endMs;
          }
          expect(digests(await plan(pcm, {}, sizes))).toEqual(digests(spans));
        },
      ),
      { numRuns: 25 },
    );
  });
});

describe('planSpans with a plan made before', () => {
  const pcm = Buffer.concat([...Array(10).keys()].flatMap((i) => [makeTone(400 + 30 * i), makeSilence(100 + 10 * i)]));

  it('goes on behind it with the cuts of the first run', async () => {
    const spans = await plan(pcm);
    const resumed = await plan(pcm, { planned: spans.slice(0, 2) });
    expect(spans.length).toBeGreaterThan(3);
    expect(soundOf(resumed)).toEqual(soundOf(spans));
  });

  it('gives of the planned spans only those that are wanted, and what comes behind them', async () => {
    const spans = await plan(pcm);
    const resumed = await plan(pcm, { planned: spans, isWanted: (index) => index === 1 }, [777]);
    expect(resumed.map(({ index }) => index)).toEqual([1]);
    expect(soundOf(resumed)).toEqual(soundOf(spans.slice(1, 2)));
  });

  it('keeps to the plan even where it would cut elsewhere', async () => {
    const planned = [
      { startMs: 0, endMs: 333 },
      { startMs: 333, endMs: 1000 },
    ];
    const resumed = await plan(pcm, { planned });
    expect(resumed.slice(0, 2).map(({ pcm: bytes }) => bytes.length / 32)).toEqual([333, 667]);
  });

  it('gives every planned span, even of audio that turned out shorter', async () => {
    const planned = [
      { startMs: 0, endMs: 1000 },
      { startMs: 1000, endMs: 2000 },
      { startMs: 2000, endMs: 3000 },
    ];
    const resumed = await plan(makeTone(1500), { planned });
    expect(resumed.map(({ endMs, pcm: bytes }) => [endMs, bytes.length / 32])).toEqual([
      [1000, 1000],
      [2000, 500],
      [3000, 0],
    ]);
  });
});

describe('planSpans and its source', () => {
  it('reads no more than it needs for the span that is asked for', async () => {
    const source = new ChunkedPcm(makeTone(10_000));
    const spans = planSpans(source, lengths);
    await spans.next();
    expect(source.pulledBytes).toBeLessThan(32 * (lengths.maxMs + lengths.shortestTailMs) + 4096);
    await spans.return();
    expect(source.closed).toBe(true);
  });

  it('passes an error of the source on', async () => {
    // eslint-disable-next-line @typescript-eslint/require-await
    async function* broken(): AsyncGenerator<Buffer> {
      yield makeTone(100);
      throw new Error('broken');
    }
    await expect(planSpans(broken(), lengths).next()).rejects.toThrow('broken');
  });
});
