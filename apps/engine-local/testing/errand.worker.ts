import { parentPort } from 'node:worker_threads';
import { serveTasks } from '../worker-thread.js';

/** What a thread of this kind can be told to do. */
export type Errand =
  | { readonly kind: 'echo'; readonly text: string }
  /** Ends the thread. */
  | { readonly kind: 'die' }
  | { readonly kind: 'fail' }
  /** Ends only when cancelled. */
  | { readonly kind: 'wait' };

if (!parentPort) throw new Error('This runs as a worker thread only.');

serveTasks<Errand, string>(parentPort, async (errand, cancelled) => {
  switch (errand.kind) {
    case 'echo':
      return errand.text;
    case 'die':
      return process.exit(3);
    case 'fail':
      throw new Error('as told');
    case 'wait':
      while (!cancelled()) await new Promise((resolve) => setImmediate(resolve));
      return undefined;
  }
});
