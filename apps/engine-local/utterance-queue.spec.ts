import fc from 'fast-check';
import { MAX_BATCH_ROWS, MAX_BATCH_SAMPLES, type QueuedUtterance, UtteranceQueue } from './utterance-queue.js';

interface Named extends QueuedUtterance {
  readonly name: string;
}

const SECOND = 16_000;

function queueOf(...waiting: [caller: string, name: string, seconds?: number, model?: 'tiny' | 'base'][]) {
  const queue = new UtteranceQueue<Named>();
  for (const [caller, name, seconds = 1, model = 'tiny'] of waiting) {
    queue.push(caller, { name, length: seconds * SECOND, model });
  }
  return queue;
}

function namesOf(batch: readonly Named[]): string[] {
  return batch.map(({ name }) => name);
}

describe('UtteranceQueue', () => {
  it('gives everything once, in batches that keep to the bounds', () => {
    const utterance = fc.record({
      caller: fc.integer({ min: 1, max: 4 }),
      length: fc.integer({ min: 1, max: 20 * SECOND }),
    });
    fc.assert(
      fc.property(fc.array(utterance, { maxLength: 60 }), fc.integer({ min: 0, max: 4 }), (waiting, threads) => {
        const queue = new UtteranceQueue<QueuedUtterance & { index: number }>();
        waiting.forEach(({ caller, length }, index) => queue.push(caller, { index, length, model: 'tiny' }));
        const taken: number[] = [];
        for (let batch = queue.take(threads); batch.length > 0; batch = queue.take(threads)) {
          const longest = Math.max(...batch.map(({ length }) => length));
          expect(batch.length).toBeLessThanOrEqual(MAX_BATCH_ROWS);
          expect(batch.length === 1 || batch.length * longest <= MAX_BATCH_SAMPLES).toBe(true);
          taken.push(...batch.map(({ index }) => index));
        }
        expect(taken.toSorted((a, b) => a - b)).toEqual(waiting.map((_, index) => index));
      }),
    );
  });

  it('puts utterances of several callers into one batch', () => {
    const queue = queueOf(['a', 'a1'], ['b', 'b1'], ['b', 'b2'], ['c', 'c1']);
    expect(namesOf(queue.take(1)).toSorted()).toEqual(['a1', 'b1', 'b2', 'c1']);
  });

  it('puts those together that are alike in length', () => {
    const queue = queueOf(['a', 'a1', 4], ['a', 'a2', 12], ['b', 'b1', 3], ['b', 'b2', 11]);
    expect(namesOf(queue.take(2))).toEqual(['a1', 'b1']);
    expect(namesOf(queue.take(1))).toEqual(['b2', 'a2']);
  });

  it('keeps models apart', () => {
    const queue = queueOf(['a', 'a1'], ['b', 'b1', 1, 'base'], ['c', 'c1']);
    expect(namesOf(queue.take(1))).toEqual(['a1', 'c1']);
    expect(namesOf(queue.take(1))).toEqual(['b1']);
  });

  it('begins with what has waited longest of the caller whose turn it is, so that nobody is held up by many', () => {
    const many = Array.from({ length: 40 }, (_, n): [string, string, number] => ['a', `a${String(n)}`, 2]);
    const queue = queueOf(...many, ['b', 'b1', 15], ['b', 'b2', 9], ['c', 'c1', 2.1]);
    const batches = Array.from({ length: 3 }, () => namesOf(queue.take(1)));
    expect(batches.slice(0, 2).map(([first]) => first)).toEqual(['a0', 'b1']);
    expect(batches.flat()).toEqual(expect.arrayContaining(['b1', 'b2', 'c1']));
  });

  it('takes its share where several threads could', () => {
    const six = () => queueOf(...Array.from({ length: 6 }, (_, n): [string, string] => ['a', String(n)]));
    expect(six().take(2)).toHaveLength(3);
    expect(six().take(4)).toHaveLength(2);
    expect(six().take(0)).toHaveLength(6);
  });

  it('forgets a caller', () => {
    const queue = queueOf(['a', 'a1'], ['b', 'b1'], ['a', 'a2']);
    expect(namesOf(queue.remove('a'))).toEqual(['a1', 'a2']);
    expect(namesOf(queue.take(1))).toEqual(['b1']);
    expect(queue.take(1)).toEqual([]);
  });
});
