import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { eventually } from '#testing';
import { timeLimit } from './time-limit.js';

describe('timeLimit', () => {
  it('ends in time whatever is collected meanwhile', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const never = new AbortController();
    let ended = false;
    const wait = async (): Promise<void> => {
      const { signal } = timeLimit(200, never.signal);
      // As those do that listen only later.
      await sleep(10);
      await once(signal, 'abort');
      ended = true;
    };
    void wait();
    await eventually('the end', () => {
      collect();
      return ended;
    });
    expect(ended).toBe(true);
  });

  it('ends with the other signal, and has no clock that runs on', () => {
    const other = new AbortController();
    const limit = timeLimit(60_000, other.signal);
    other.abort();
    expect(limit.signal.aborted).toBe(true);
    limit.clear();
  });
});
