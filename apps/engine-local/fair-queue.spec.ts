import { FairQueue } from './fair-queue.js';

function queueOf(...items: [caller: string, item: string, urgent?: boolean][]): FairQueue<string> {
  const queue = new FairQueue<string>();
  for (const [caller, item, urgent] of items) queue.push(caller, item, urgent ?? false);
  return queue;
}

describe('FairQueue', () => {
  it('lets callers take turns and keeps the order of each', () => {
    const queue = queueOf(['a', 'a1'], ['a', 'a2'], ['a', 'a3'], ['b', 'b1'], ['b', 'b2']);
    expect([1, 2, 3, 4, 5, 6].map(() => queue.take())).toEqual(['a1', 'b1', 'a2', 'b2', 'a3', undefined]);
  });

  it('gives urgent items first', () => {
    const queue = queueOf(['a', 'a1'], ['b', 'b1', true]);
    expect(queue.take()).toBe('b1');
  });

  it('gives an item first that came back', () => {
    const queue = queueOf(['a', 'a1'], ['a', 'a2', true]);
    queue.pushBack('again');
    expect(queue.take()).toBe('again');
  });

  it('takes an item out, once', () => {
    const queue = queueOf(['a', 'a1'], ['a', 'a2'], ['b', 'b1', true]);
    expect(queue.remove('a1')).toBe(true);
    expect(queue.remove('b1')).toBe(true);
    expect(queue.remove('a1')).toBe(false);
    expect(queue.take()).toBe('a2');
    expect(queue.take()).toBeUndefined();
  });

  it('gives everything at once', () => {
    const queue = queueOf(['a', 'a1'], ['b', 'b1', true]);
    expect(queue.drain()).toEqual(['b1', 'a1']);
    expect(queue.take()).toBeUndefined();
  });
});
