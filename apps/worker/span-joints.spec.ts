import type { TranscriptSegment } from '#contracts';
import { type EarlierSpan, openSpans, type Settlement, SpanJoints } from './span-joints.js';

const SPANS = 4;
const SPAN_MS = 30_000;
const REACH_MS = 2_000;
const WORD_MS = 250;

/** Every word of the recording once, without a pause. */
const words = Array.from({ length: (SPANS * SPAN_MS) / WORD_MS }, (_, n) => ({
  text: `w${n}`,
  startMs: n * WORD_MS,
  endMs: (n + 1) * WORD_MS,
}));

function extentOf(index: number) {
  return {
    index,
    startMs: index * SPAN_MS,
    endMs: (index + 1) * SPAN_MS,
    leadMs: index === 0 ? 0 : REACH_MS,
    tailMs: index === SPANS - 1 ? 0 : REACH_MS,
  };
}

/** What an engine makes of a span, ten words a segment. */
function segmentsOf(index: number, perSegment = 10): TranscriptSegment[] {
  const { startMs, endMs, leadMs, tailMs } = extentOf(index);
  const heard = words.filter((word) => word.startMs >= startMs - leadMs && word.endMs <= endMs + tailMs);
  return Array.from({ length: Math.ceil(heard.length / perSegment) }, (_, n) => {
    const said = heard.slice(n * perSegment, (n + 1) * perSegment);
    const [first, last] = [said[0], said.at(-1)];
    return {
      ...{ id: `${index}-${n}`, span: index, startMs: first?.startMs ?? 0, endMs: last?.endMs ?? 0 },
      text: said.map(({ text }) => text).join(' '),
    };
  });
}

/** What the database and a subscriber have in the end. */
class Job {
  readonly rows = new Map<number, readonly TranscriptSegment[]>();
  readonly joined = new Set<number>();
  told = new Map<string, string>();

  constructor(public joints = new SpanJoints(1)) {}

  async end(index: number, segments = segmentsOf(index)): Promise<void> {
    for (const segment of segments) if (this.joints.isFinal(extentOf(index), segment)) this.tell(segment);
    await this.joints.settle(extentOf(index), segments, (settlement) => this.write(index, settlement));
  }

  write(index: number, { segments, neighbours, joined, final }: Settlement): Promise<void> {
    for (const segment of final) this.tell(segment);
    this.rows.set(index, segments);
    for (const neighbour of neighbours) this.rows.set(neighbour.index, neighbour.segments);
    for (const each of joined) this.joined.add(each);
    return Promise.resolve();
  }

  tell(segment: TranscriptSegment): void {
    if (this.told.has(segment.id)) throw new Error(`${segment.id} was told twice.`);
    this.told.set(segment.id, segment.text);
  }

  get text(): string {
    const segments = [...this.rows.values()].flat().toSorted((a, b) => a.startMs - b.startMs || a.span - b.span);
    expect(Object.fromEntries(segments.map(({ id, text }) => [id, text]))).toEqual(Object.fromEntries(this.told));
    return segments.map(({ text }) => text).join(' ');
  }

  /** The spans as the next attempt finds them. */
  get earlier(): EarlierSpan[] {
    return Array.from({ length: SPANS }, (_, index) => ({
      ...extentOf(index),
      state: this.rows.has(index) ? 'done' : 'planned',
      isJoined: this.joined.has(index),
    }));
  }
}

const allWords = words.map(({ text }) => text).join(' ');

describe('SpanJoints', () => {
  it.each([[[0, 1, 2, 3]], [[3, 2, 1, 0]], [[0, 2, 1, 3]], [[1, 3, 0, 2]]])(
    'gives and tells every word once when spans end in the order %j',
    async (order) => {
      const job = new Job();
      for (const index of order) await job.end(index);
      expect(job.text).toBe(allWords);
    },
  );

  it('does so when they end at the same time, and with one segment a span', async () => {
    const job = new Job();
    await Promise.all([2, 0, 3, 1].map((index) => job.end(index, segmentsOf(index, 1_000))));
    expect(job.text).toBe(allWords);
  });

  it('tells nobody of what a neighbour may change', async () => {
    const job = new Job();
    await job.end(1);
    const [first, last] = [segmentsOf(1)[0], segmentsOf(1).at(-1)];
    expect(job.told.has(first?.id ?? '')).toBe(false);
    expect(job.told.has(last?.id ?? '')).toBe(false);
    expect(job.told.size).toBeGreaterThan(0);
  });

  it('goes on where a crash left it, whatever was told of a step that was not written', async () => {
    const job = new Job();
    await job.end(0);
    await job.end(2);
    const crash = job.joints.settle(extentOf(1), segmentsOf(1), () => Promise.reject(new Error('killed')));
    await expect(crash).rejects.toThrow('killed');

    const load = (indexes: readonly number[]) => Promise.resolve(indexes.flatMap((index) => job.rows.get(index) ?? []));
    const open = await openSpans(job.earlier, 1, load);
    expect(open.map(({ index }) => index)).toEqual([0, 2]);
    job.joints = new SpanJoints(1, open);
    job.told = new Map();
    for (const { segments } of job.joints.told()) for (const segment of segments) job.tell(segment);
    await job.end(3);
    await job.end(1);
    expect(job.text).toBe(allWords);
    await expect(openSpans(job.earlier, 1, load)).resolves.toEqual([]);
  });

  it('goes on after a step that could not be written', async () => {
    const job = new Job();
    await expect(
      job.joints.settle(extentOf(0), segmentsOf(0), () => Promise.reject(new Error('away'))),
    ).rejects.toThrow('away');
    for (const index of [0, 1, 2, 3]) await job.end(index);
    expect(job.text).toBe(allWords);
  });
});
