import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defaultSpanLengths } from '#audio';
import { pcmBytesToMs, type Span } from '#contracts';
import type { SpanWork } from './job-run.js';
import { wav } from './testing/wav.js';
import { type MediaPlan, mediaSpans } from './media-spans.js';

const never = new AbortController().signal;
const settings = { ffmpegPath: 'ffmpeg', ffprobePath: 'ffprobe', timeoutMs: 30_000 };
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'polyscribe-'));
  await writeFile(join(folder, 'mono.wav'), wav(1, 200));
  await writeFile(join(folder, 'stereo.wav'), wav(2, 10));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

function planOf(file: string, changes: Partial<MediaPlan> = {}): MediaPlan {
  return {
    path: join(folder, file),
    settings,
    channels: undefined,
    whole: false,
    lengths: defaultSpanLengths,
    planned: [],
    onSpan: () => undefined,
    onWarning: () => undefined,
    ...changes,
  };
}

async function collect<T>(source: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of source) items.push(item);
  return items;
}

async function all(plan: MediaPlan): Promise<SpanWork[]> {
  return collect(mediaSpans(plan, never));
}

async function audioOf(work: SpanWork): Promise<Buffer> {
  return Buffer.concat(await collect(work.audio(never)));
}

describe('mediaSpans', () => {
  it('cuts a long file into spans without gap', async () => {
    const spans = await all(planOf('mono.wav'));
    expect(spans.map(({ index }) => index)).toEqual([0, 1]);
    expect(spans[0]?.startMs).toBe(0);
    expect(spans[1]?.startMs).toBe(spans[0]?.endMs);
    expect(spans[1]?.endMs).toBe(200_000);
    for (const span of spans) expect(pcmBytesToMs((await audioOf(span)).length)).toBe(span.lengthMs);
  });

  it('keeps to what was planned, leaves out what is done and knows what was begun', async () => {
    const planned: Span[] = [
      { index: 0, startMs: 0, endMs: 100_000, state: 'done' },
      { index: 1, startMs: 100_000, endMs: 150_000, state: 'running' },
    ];
    const spans = await all(planOf('mono.wav', { planned }));
    expect(spans.map(({ index, startMs, endMs, begun }) => ({ index, startMs, endMs, begun }))).toEqual([
      { index: 1, startMs: 100_000, endMs: 150_000, begun: true },
      { index: 2, startMs: 150_000, endMs: 200_000, begun: false },
    ]);
  });

  it('tells of each span before it gives it', async () => {
    const told: number[] = [];
    const plan = planOf('mono.wav', {
      onSpan: (span) => {
        told.push(span.index);
      },
    });
    for await (const span of mediaSpans(plan, never)) expect(told.at(-1)).toBe(span.index);
    expect(told).toEqual([0, 1]);
  });

  it('keeps channels apart', async () => {
    const spans = await all(planOf('stereo.wav', { channels: [0, 1] }));
    expect(spans.map(({ index, channel, channelCount }) => [index, channel, channelCount])).toEqual([
      [0, 0, 2],
      [1, 1, 2],
    ]);
    const samples = await Promise.all(spans.map(async (span) => (await audioOf(span)).readInt16LE(16_000)));
    expect(samples).toEqual([1000, 2000]);
  });

  it('gives the whole file as one span whose audio can be read again', async () => {
    const [span, ...others] = await all(planOf('mono.wav', { whole: true }));
    expect(others).toEqual([]);
    expect(span).toMatchObject({ index: 0, startMs: 0, endMs: 200_000, lengthMs: 200_000 });
    const lengths = span && [(await audioOf(span)).length, (await audioOf(span)).length];
    expect(lengths).toEqual([200 * 32_000, 200 * 32_000]);
  });

  it('gives nothing when the whole file is done', async () => {
    const planned: Span[] = [{ index: 0, startMs: 0, endMs: 200_000, state: 'done' }];
    await expect(all(planOf('mono.wav', { whole: true, planned }))).resolves.toEqual([]);
  });
});
