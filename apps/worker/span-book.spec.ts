import type { SpanToPlan } from './job-run.js';
import { SpanBook, type SpanBegun } from './span-book.js';

function span(index: number, endMs = 1000): SpanToPlan {
  return { index, startMs: 0, endMs, channelCount: 1, isWhole: false };
}

function begun(index: number): SpanBegun {
  return { index, engine: 'asr', instance: 'asr-1' };
}

describe('SpanBook', () => {
  let written: [readonly SpanToPlan[], number | undefined][];
  let failures: Error[];
  let book: SpanBook;

  beforeEach(() => {
    written = [];
    failures = [];
    book = new SpanBook(async (spans, beginning) => {
      await Promise.resolve();
      const failure = failures.pop();
      if (failure) throw failure;
      written.push([spans, beginning?.index]);
    });
  });

  it('writes what is noted with the next span that begins', async () => {
    book.note(span(0));
    book.note(span(1));
    await book.begin(begun(0));
    expect(written).toEqual([[[span(0), span(1)], 0]]);
  });

  it('writes the end of a span with the beginning of the one behind it', async () => {
    book.note(span(0, 9000));
    const first = book.begin(begun(0));
    await first;
    book.note(span(0, 1000));
    book.note(span(1, 9000));
    await book.begin(begun(1));
    expect(written[1]).toEqual([[span(0, 1000), span(1, 9000)], 1]);
  });

  it('writes one after the other, so that a beginning finds what was noted before it', async () => {
    book.note(span(0));
    book.note(span(1));
    await Promise.all([book.begin(begun(0)), book.begin(begun(1))]);
    expect(written).toEqual([
      [[span(0), span(1)], 0],
      [[], 1],
    ]);
  });

  it('settles when what is noted is written, and writes nothing where nothing is', async () => {
    await book.settle();
    expect(written).toEqual([]);
    book.note(span(0));
    await book.settle();
    expect(written).toEqual([[[span(0)], undefined]]);
  });

  it('leaves a span to who writes that it is done, where nothing else is noted', async () => {
    book.note(span(0, 9000));
    await book.begin(begun(0));
    expect(await book.settleBut(0)).toBeUndefined();
    book.note(span(0));
    expect(await book.settleBut(0)).toEqual(span(0));
    book.note(span(0));
    book.note(span(1));
    expect(await book.settleBut(0)).toBeUndefined();
    expect(written.slice(1)).toEqual([[[span(0), span(1)], undefined]]);
  });

  it('keeps what could not be written, and tells who wanted it written', async () => {
    failures.push(new Error('away'));
    book.note(span(0));
    await expect(book.begin(begun(0))).rejects.toThrow('away');
    await book.settle();
    expect(written).toEqual([[[span(0)], undefined]]);
  });
});
