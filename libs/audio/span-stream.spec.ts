import fc from 'fast-check';
import { PolyscribeError } from '#contracts';
import { eventually } from '#testing';
import { planSpans } from './span-planner.js';
import { type StreamedSpan, streamSpans } from './span-stream.js';
import { makeSilence, makeTone } from './testing.js';

const never = new AbortController().signal;
/** Spans of a few seconds: what is given before it is known where it ends is at least two seconds long. */
const lengths = { targetMs: 6000, minMs: 4500, maxMs: 7500, shortestTailMs: 750 };
const options = { soonestMs: 4500, lengths: () => Promise.resolve(lengths) };

async function* chunksOf(pcm: Buffer, bytes = 64_000): AsyncGenerator<Buffer> {
  for (let at = 0; at < pcm.length; at += bytes) yield await Promise.resolve(pcm.subarray(at, at + bytes));
}

async function soundOf(span: StreamedSpan | undefined): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of span?.sound.read(never) ?? []) pieces.push(piece);
  return Buffer.concat(pieces);
}

async function firstOf(spans: AsyncGenerator<StreamedSpan>): Promise<StreamedSpan | undefined> {
  const next = await spans.next();
  return next.done === true ? undefined : next.value;
}

/** Bursts of tone and pauses. */
const speechLike = fc
  .array(fc.tuple(fc.integer({ min: 100, max: 3000 }), fc.integer({ min: 0, max: 900 })), { maxLength: 14 })
  .map((bursts) => Buffer.concat(bursts.flatMap(([sound, pause]) => [makeTone(sound), makeSilence(pause)])));

describe('streamSpans', () => {
  it('gives the spans and the sound that planning them as a whole gives', async () => {
    await fc.assert(
      fc.asyncProperty(speechLike, fc.integer({ min: 1001, max: 90_000 }), async (pcm, chunkBytes) => {
        const whole = [];
        for await (const span of planSpans(chunksOf(pcm, chunkBytes), lengths)) whole.push(span);
        const streamed = [];
        for await (const span of streamSpans(chunksOf(pcm, chunkBytes), options)) {
          const { index, startMs, leadMs } = span;
          streamed.push({ index, startMs, leadMs, ...(await span.ends), pcm: await soundOf(span) });
        }
        expect(streamed.length).toBe(whole.length);
        for (const [n, { pcm: sound, ...place }] of whole.entries()) {
          expect(streamed[n]).toMatchObject(place);
          expect(streamed[n]?.pcm.equals(sound)).toBe(true);
        }
      }),
      { numRuns: 40 },
    );
  });

  it('gives the same sound where the memory of each span is used for those behind it', async () => {
    const bursts = Array.from({ length: 40 }, (_, n) => [makeTone(4000 + 100 * n), makeSilence(700)]);
    const pcm = Buffer.concat(bursts.flat());
    const long = { targetMs: 25_000, minMs: 20_000, maxMs: 30_000, shortestTailMs: 750 };
    const whole: Buffer[] = [];
    for await (const span of planSpans(chunksOf(pcm), long)) whole.push(span.pcm);
    const spans = streamSpans(chunksOf(pcm), { soonestMs: 20_000, lengths: () => Promise.resolve(long) });
    let index = 0;
    const held: StreamedSpan[] = [];
    for await (const span of spans) {
      held.push(span);
      // One span stays in work while the next is decoded.
      if (held.length < 2) continue;
      const done = held.shift();
      expect((await soundOf(done)).equals(whole[index] ?? Buffer.alloc(0))).toBe(true);
      done?.sound.release();
      index += 1;
    }
    expect((await soundOf(held[0])).equals(whole[index] ?? Buffer.alloc(0))).toBe(true);
    expect(whole.length).toBe(index + 1);
    expect(whole.length).toBeGreaterThan(5);
  });

  it('gives a span, and its first sound, before its end has come in', async () => {
    let pulledMs = 0;
    async function* slow(): AsyncGenerator<Buffer> {
      for (; pulledMs < 20_000; pulledMs += 1000) yield await Promise.resolve(makeTone(1000));
    }
    const spans = streamSpans(slow(), options);
    const first = await firstOf(spans);
    expect(first).toMatchObject({ index: 0, startMs: 0, end: undefined });
    expect(pulledMs).toBeLessThan(4000);
    const piece = await first?.sound.read(never).next();
    expect(piece?.value).toHaveLength(64_000);
    await spans.return(undefined);
  });

  it('reads on to the end of a span while nobody asks for the next', async () => {
    const spans = streamSpans(chunksOf(makeTone(20_000)), options);
    const first = await firstOf(spans);
    const end = await first?.ends;
    expect(end?.endMs).toBeGreaterThanOrEqual(4500);
    expect((await soundOf(first)).length).toBe(32 * ((end?.endMs ?? 0) + (end?.tailMs ?? 0)));
    await spans.return(undefined);
  });

  it('asks for the lengths only when more audio has come than any span has', async () => {
    let asked = 0;
    const counting = {
      ...options,
      lengths: () => {
        asked += 1;
        return Promise.resolve(lengths);
      },
    };
    for await (const span of streamSpans(chunksOf(makeTone(4000)), counting)) await span.ends;
    expect(asked).toBe(0);
    for await (const span of streamSpans(chunksOf(makeTone(30_000)), counting)) await span.ends;
    expect(asked).toBe(1);
  });

  it('reads on while nobody has said how long spans are to be, and then cuts as if that had been known', async () => {
    const pcm = Buffer.concat([makeTone(5000), makeSilence(800), makeTone(9000), makeSilence(800), makeTone(4000)]);
    let say = (): void => undefined;
    const said = new Promise<void>((resolve) => {
      say = resolve;
    });
    let pulled = 0;
    async function* counted(): AsyncGenerator<Buffer> {
      for await (const chunk of chunksOf(pcm, 16_000)) {
        pulled += chunk.length;
        yield chunk;
      }
    }
    const late = { ...options, lengths: () => said.then(() => lengths) };
    const cuts: unknown[] = [];
    for await (const span of streamSpans(counted(), late)) {
      if (span.index === 0) await eventually('all of the audio', () => pulled === pcm.length);
      say();
      cuts.push(await span.ends);
    }
    const known: unknown[] = [];
    for await (const span of streamSpans(chunksOf(pcm, 16_000), options)) known.push(await span.ends);
    expect(cuts).toEqual(known);
  });

  it('fails where nobody can say how long spans are to be', async () => {
    const unknown = { ...options, lengths: () => Promise.reject(new Error('no header')) };
    const spans = streamSpans(chunksOf(makeTone(20_000)), unknown);
    const first = await firstOf(spans);
    await expect(first?.ends).rejects.toThrow('no header');
    await expect(spans.next()).rejects.toThrow('no header');
  });

  it('lets each reader begin at the start', async () => {
    for await (const span of streamSpans(chunksOf(makeTone(6000)), options)) {
      const [once, again] = [await soundOf(span), await soundOf(span)];
      expect(once.equals(again)).toBe(true);
    }
  });

  it('fails the sound and the end of a span with what its source fails with', async () => {
    const broken = new PolyscribeError('unsupported_media', 'Broken.');
    async function* breaking(): AsyncGenerator<Buffer> {
      yield* chunksOf(makeTone(3000));
      throw broken;
    }
    const spans = streamSpans(breaking(), options);
    const first = await firstOf(spans);
    await expect(first?.ends).rejects.toBe(broken);
    await expect(soundOf(first)).rejects.toBe(broken);
    await expect(spans.next()).rejects.toBe(broken);
  });

  it('never passes off what was read as all there is when the caller leaves', async () => {
    const spans = streamSpans(chunksOf(makeTone(20_000), 6_400), options);
    const first = await firstOf(spans);
    const ends = first?.ends.then(
      () => 'known',
      () => 'failed',
    );
    await spans.return(undefined);
    await expect(ends).resolves.toBe('failed');
    await expect(soundOf(first)).rejects.toThrow(PolyscribeError);
  });

  it('ends a wait for sound when the reader is aborted', async () => {
    let goOn = (): void => undefined;
    const more = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    async function* hanging(): AsyncGenerator<Buffer> {
      yield* chunksOf(makeTone(3000));
      await more;
    }
    const spans = streamSpans(hanging(), options);
    const first = await firstOf(spans);
    const stop = new AbortController();
    const reader = first?.sound.read(stop.signal);
    await reader?.next();
    const waiting = reader?.next();
    stop.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    goOn();
    await spans.return(undefined);
  });
});
