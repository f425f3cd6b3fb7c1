import { Evaluator } from './evaluator.js';
import { defaultWordRules } from './words.js';

const limits = { threads: 1, waiting: 1, deadlineMs: 120_000, cells: 1e8 };
const words = (count: number) => Array.from({ length: count }, (_, n) => `w${(n * 7919) % 211}`).join(' ');
const task = (reference: string, hypothesis: string) => ({
  kind: 'texts' as const,
  ...{ reference, hypothesis, rules: defaultWordRules },
});
const { signal } = new AbortController();

describe('Evaluator', () => {
  it('compares long texts in a thread and leaves the event loop free', async () => {
    const evaluator = new Evaluator(limits);
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    const compared = await evaluator.run(task(words(2_000), `${words(1_999)} other`), signal);
    clearInterval(timer);
    expect(compared.substitutions).toBe(1);
    expect(turns).toBeGreaterThan(0);
  });

  it('gives the same for short texts', async () => {
    expect((await new Evaluator(limits).run(task('a b', 'a c'), signal)).substitutions).toBe(1);
  });

  it('sets several texts side by side', async () => {
    const network = await new Evaluator(limits).run({ kind: 'network', hypotheses: [['a'], ['a', 'b']] }, signal);
    expect(network).toEqual([
      [0, 0],
      [undefined, 1],
    ]);
  });

  it('refuses texts beyond its limit', async () => {
    await expect(new Evaluator({ ...limits, cells: 3 }).run(task('a b', 'a b'), signal)).rejects.toMatchObject({
      code: 'payload_too_large',
    });
  });

  it.each([
    ['hyphens', 'a-'.repeat(200)],
    ['characters that stand for several words', '\ufdfa'.repeat(100)],
  ])('counts words that only %s part', async (_title, text) => {
    await expect(new Evaluator({ ...limits, cells: 9_999 }).run(task(text, text), signal)).rejects.toMatchObject({
      code: 'payload_too_large',
    });
  });

  it('refuses more than it lets wait, and frees the turn of one that is given up', async () => {
    const evaluator = new Evaluator(limits);
    const long = task(words(2_000), `x ${words(2_000)}`);
    const first = evaluator.run(long, signal);
    const leaving = new AbortController();
    const second = evaluator.run(long, leaving.signal);
    await expect(evaluator.run(long, signal)).rejects.toMatchObject({ code: 'rate_limited' });
    leaving.abort(new Error('gone'));
    await expect(second).rejects.toThrow('gone');
    const third = evaluator.run(long, signal);
    expect((await first).insertions).toBe(1);
    expect((await third).insertions).toBe(1);
  });

  it('ends a task that takes too long', async () => {
    const evaluator = new Evaluator({ ...limits, deadlineMs: 0 });
    await expect(evaluator.run(task(words(9_000), `x ${words(9_000)} y`), signal)).rejects.toMatchObject({
      code: 'dependency_unavailable',
    });
  });
});
