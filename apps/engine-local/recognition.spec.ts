import { PolyscribeError } from '#contracts';
import { eventually } from '#testing';
import { detokenize } from './detokenize.js';
import { Recognition, type RecognitionCall, type UtteranceSound } from './recognition.js';
import { ScriptedPool } from './testing/scripted-pool.js';

const SECOND = 16_000;

/** An utterance of which a scripted thread understands this token. */
function sound(token: number, seconds = 1): UtteranceSound {
  return { length: seconds * SECOND, read: () => Float32Array.of(token) };
}

function said(...tokens: number[]): string[] {
  return tokens.map((token) => detokenize([token]));
}

/** What comes of utterances: text, or an error. */
function outcomes(call: RecognitionCall, ...tokens: number[]): Promise<string[]> {
  const all = call.recognize(tokens.map((token) => sound(token)));
  return Promise.all(
    all.map((recognized) =>
      recognized.then(
        ({ text }) => text,
        (error: unknown) => (error instanceof PolyscribeError ? error.code : String(error)),
      ),
    ),
  );
}

/** Ends what runs until nothing does: with a failure where it holds one of the poisonous, which are noted by themselves. */
async function work(pool: ScriptedPool, ...poisonous: number[]): Promise<(readonly number[])[]> {
  const tasks: (readonly number[])[] = [];
  for (let task = pool.running[0]; task; task = pool.running[0]) {
    tasks.push(task.sounds);
    if (task.sounds.some((token) => poisonous.includes(token))) task.fail();
    else task.finish();
    await new Promise((resolve) => setImmediate(resolve));
  }
  return tasks;
}

describe('Recognition', () => {
  it('gives each call its own words in its own order out of batches that they share', async () => {
    const pool = new ScriptedPool(1);
    const recognition = new Recognition(pool);
    const [a, b] = [recognition.join('tiny'), recognition.join('tiny')];
    const first = outcomes(a, 1001);
    const all = Promise.all([first, outcomes(a, 1002, 1003), outcomes(b, 2001, 2002)]);
    const tasks = await work(pool);
    expect(await all).toEqual([said(1001), said(1002, 1003), said(2001, 2002)]);
    expect(tasks.map(({ length }) => length)).toEqual([1, 4]);
  });

  it('gives an idle thread at once what a call has, and lets more gather while all are busy', () => {
    const pool = new ScriptedPool(2);
    const call = new Recognition(pool).join('tiny');
    for (const token of [1001, 1002, 1003, 1004]) void outcomes(call, token);
    expect(pool.running.map(({ sounds }) => sounds)).toEqual([[1001], [1002]]);
    pool.running[0]?.finish();
    expect(pool.running.map(({ sounds }) => sounds)).toEqual([[1002], [1003, 1004]]);
  });

  it('gives the first words of whoever finds no work here alone, and before all looking for speech', () => {
    const pool = new ScriptedPool(2);
    const recognition = new Recognition(pool);
    pool.looking = 2;
    void outcomes(recognition.join('tiny'), 1001, 1002, 1003);
    void outcomes(recognition.join('tiny'), 2001, 2002);
    expect(pool.running.map(({ sounds, urgent }) => ({ sounds, urgent }))).toEqual([{ sounds: [1001], urgent: true }]);
    pool.looking = 0;
    pool.running[0]?.finish();
    expect(pool.running.map(({ urgent }) => urgent)).toEqual([false, false]);
    expect(pool.running.flatMap(({ sounds }) => sounds).toSorted()).toEqual([1002, 1003, 2001, 2002]);
  });

  it.each([
    ['all that waits while another call has more to come', false, 6],
    ['its share where no call has more to come', true, 3],
  ])('gives a thread %s', (_what, hasEnded, rows) => {
    const pool = new ScriptedPool(2);
    const recognition = new Recognition(pool);
    const [a, b] = [recognition.join('tiny'), recognition.join('tiny')];
    for (const token of [1001, 1002]) void outcomes(a, token);
    void outcomes(b, 2001, 2002, 2003, 2004, 2005, 2006);
    a.end();
    if (hasEnded) b.end();
    pool.running[0]?.finish();
    expect(pool.running[1]?.sounds).toHaveLength(rows);
  });

  it('tries the utterances of a batch that failed apart, so that a poisonous one fails alone', async () => {
    const pool = new ScriptedPool(1);
    const recognition = new Recognition(pool);
    const [first, a, b] = [recognition.join('tiny'), recognition.join('tiny'), recognition.join('tiny')];
    const all = Promise.all([outcomes(first, 1000), outcomes(a, 1001, 1002), outcomes(b, 2001, 2002)]);
    const tasks = await work(pool, 2001);
    expect(await all).toEqual([said(1000), said(1001, 1002), ['Error: as told', ...said(2002)]]);
    expect(tasks.filter((sounds) => sounds.includes(2001)).map(({ length }) => length)).toEqual([4, 1]);
  });

  it('lets go of a call that leaves, and leaves the others their words', async () => {
    const pool = new ScriptedPool(1);
    const recognition = new Recognition(pool);
    const [a, b, c] = [recognition.join('tiny'), recognition.join('tiny'), recognition.join('tiny')];
    const all = Promise.all([outcomes(a, 1000), outcomes(a, 1001), outcomes(b, 2001), outcomes(c, 3001)]);
    pool.running[0]?.finish();
    await eventually('a batch of all', () => pool.running[0]?.sounds.length === 3);
    const waiting = outcomes(b, 2002);
    b.leave();
    expect(pool.running[0]?.isCancelled()).toBe(false);
    const tasks = await work(pool);
    expect(await all).toEqual([said(1000), said(1001), ['cancelled'], said(3001)]);
    expect(await waiting).toEqual(['cancelled']);
    expect(tasks.flat()).not.toContain(2002);
    expect(await outcomes(b, 2003)).toEqual(['cancelled']);
  });

  it('stops a batch when nobody waits for it any more', async () => {
    const pool = new ScriptedPool(1);
    const recognition = new Recognition(pool);
    const [a, b] = [recognition.join('tiny'), recognition.join('tiny')];
    const all = Promise.all([outcomes(a, 1000), outcomes(a, 1001), outcomes(b, 2001)]);
    pool.running[0]?.finish();
    await eventually('a batch of both', () => pool.running[0]?.sounds.length === 2);
    a.leave();
    expect(pool.running[0]?.isCancelled()).toBe(false);
    b.leave();
    expect(pool.running[0]?.isCancelled()).toBe(true);
    expect(await all).toEqual([said(1000), ['cancelled'], ['cancelled']]);
  });

  it('does not try again for a call that has left', async () => {
    const pool = new ScriptedPool(1);
    const recognition = new Recognition(pool);
    const [a, b] = [recognition.join('tiny'), recognition.join('tiny')];
    const all = Promise.all([outcomes(a, 1000), outcomes(a, 1001), outcomes(b, 2001, 2002)]);
    pool.running[0]?.finish();
    await eventually('a batch of both', () => pool.running[0]?.sounds.length === 3);
    pool.running[0]?.fail();
    await eventually('one by one', () => pool.running[0]?.sounds.length === 1);
    b.leave();
    const tasks = await work(pool);
    expect(await all).toEqual([said(1000), said(1001), ['cancelled', 'cancelled']]);
    expect(tasks.flat()).toEqual([1001]);
  });
});
