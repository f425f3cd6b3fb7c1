/** A source of audio seen through something that treats it wrongly. */
export class SourceView implements AsyncIterable<Uint8Array> {
  constructor(
    private readonly source: AsyncIterable<Uint8Array>,
    private readonly fault: {
      /** Whether closing the view closes the source. */
      readonly closes?: () => boolean;
      readonly chunk?: (chunk: Uint8Array) => Uint8Array;
    },
  ) {}

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array, undefined> {
    const iterator = this.source[Symbol.asyncIterator]();
    const { closes = () => true, chunk = (bytes: Uint8Array) => bytes } = this.fault;
    return {
      async next() {
        const result = await iterator.next();
        return result.done ? { done: true, value: undefined } : { done: false, value: chunk(result.value) };
      },
      async return() {
        if (closes()) await iterator.return?.();
        return { done: true, value: undefined };
      },
    };
  }
}

/** Reads the source as fast as it can from the first pull on, whoever wants the audio. */
export class GreedySource implements AsyncIterable<Uint8Array> {
  constructor(private readonly source: AsyncIterable<Uint8Array>) {}

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array, undefined> {
    const iterator = this.source[Symbol.asyncIterator]();
    const results: Promise<IteratorResult<Uint8Array>>[] = [];
    const pull = (): void => {
      const result = iterator.next();
      results.push(result);
      // Each answer pulls the next one, until the end or an error, which the reader sees in its turn.
      result.then(
        ({ done }) => {
          if (!done) pull();
        },
        () => undefined,
      );
    };
    return {
      async next() {
        if (results.length === 0) pull();
        const result = await results[0];
        // The answer to the last pull stays, so that the end is the end for ever.
        if (result && !result.done) void results.shift();
        return result?.done === false ? result : { done: true, value: undefined };
      },
      async return() {
        await iterator.return?.();
        return { done: true, value: undefined };
      },
    };
  }
}
