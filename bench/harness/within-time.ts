import { addAbortListener } from 'node:events';

/**
 * Waits for something, but not for ever, and no longer than until the signal is given.
 *
 * @throws Error naming it when it takes longer or is broken off; what it does afterwards is nobody's business any more
 */
export async function withinTime<T>(
  what: string,
  limitMs: number,
  doing: Promise<T>,
  signal: AbortSignal = new AbortController().signal,
): Promise<T> {
  const { promise: late, reject } = deferred();
  const fail = (why: string) => reject(new Error(`${what} ${why}.`));
  const timer = setTimeout(() => fail(`took longer than ${Math.round(limitMs / 1000)} s`), limitMs);
  const listener = addAbortListener(signal, () => fail('was broken off'));
  try {
    return await Promise.race([doing, late]);
  } finally {
    clearTimeout(timer);
    listener[Symbol.dispose]();
  }
}

function deferred(): { readonly promise: Promise<never>; readonly reject: (error: Error) => void } {
  let reject: (error: Error) => void = () => undefined;
  const promise = new Promise<never>((_resolve, fail) => {
    reject = fail;
  });
  return { promise, reject };
}
