import { once } from 'node:events';
import { getPriority } from 'node:os';
import { Worker } from 'node:worker_threads';

const onLinux = process.platform === 'linux' ? it : it.skip;

describe('giveWay', () => {
  onLinux('lowers the priority of the thread that asks, and of no other', async () => {
    const before = getPriority();
    const module = new URL('./give-way.js', import.meta.url).href;
    const thread = new Worker(
      `import(${JSON.stringify(module)}).then(({ giveWay }) => {
        giveWay();
        require('node:worker_threads').parentPort.postMessage(require('node:os').getPriority());
      });`,
      { eval: true },
    );
    expect(await once(thread, 'message')).toEqual([Math.max(before, 10)]);
    expect(getPriority()).toBe(before);
    await thread.terminate();
  });
});
