import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { WorkClock } from './work-clock.js';

describe('WorkClock', () => {
  it('aborts when the time is up', async () => {
    const clock = new WorkClock(10);
    await once(clock.signal, 'abort');
    expect(clock.signal.aborted).toBe(true);
  });

  it('stands still while the work waits', async () => {
    const clock = new WorkClock(10);
    clock.pause();
    clock.pause();
    await delay(50);
    expect(clock.signal.aborted).toBe(false);
    const late = once(clock.signal, 'abort');
    clock.run();
    clock.run();
    await late;
  });

  it('does not begin anew after each wait', async () => {
    const clock = new WorkClock(40);
    const end = performance.now() + 20_000;
    while (!clock.signal.aborted && performance.now() < end) {
      clock.pause();
      clock.run();
      await delay(5);
    }
    expect(performance.now()).toBeLessThan(end);
  });

  it('ends nothing that is held up when its time is over, until it no longer is', async () => {
    let looks = 0;
    const clock = new WorkClock(10, () => ++looks < 2);
    await once(clock.signal, 'abort');
    expect(looks).toBe(2);
  });

  it('runs no more once it was stopped', () => {
    const clock = new WorkClock(60_000);
    clock.stop();
    clock.run();
    expect(clock.signal.aborted).toBe(true);
  });
});
