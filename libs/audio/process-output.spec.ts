import { PassThrough, Readable } from 'node:stream';
import { ProcessOutput } from './process-output.js';

const PIECE = Buffer.alloc(64 * 1024, 1);

describe('ProcessOutput', () => {
  it('gives every piece in order and ends', async () => {
    const output = new ProcessOutput(Readable.from([Buffer.from('one'), Buffer.from('two')], { objectMode: false }));
    let text = '';
    for (let piece = await output.next(); piece; piece = await output.next()) text += piece.toString();
    expect(text).toBe('onetwo');
    expect(await output.next()).toBeUndefined();
  });

  it('takes no more than some hundred kilobytes ahead of its reader', async () => {
    let given = 0;
    const stream = new Readable({
      read() {
        given += PIECE.length;
        this.push(PIECE);
      },
    });
    const output = new ProcessOutput(stream);
    for (let pieces = 0; pieces < 100; pieces += 1) await output.next();
    expect(given).toBeGreaterThanOrEqual(100 * PIECE.length);
    expect(given).toBeLessThanOrEqual(110 * PIECE.length);
    stream.destroy();
    for (let left = 0; (await output.next()) !== undefined; left += 1) expect(left).toBeLessThan(10);
  });

  it('ends for a reader that waits when the stream is destroyed', async () => {
    const stream = new PassThrough();
    const waiting = new ProcessOutput(stream).next();
    stream.destroy();
    expect(await waiting).toBeUndefined();
  });

  it('throws what the stream failed with', async () => {
    const stream = new PassThrough();
    const waiting = new ProcessOutput(stream).next();
    stream.destroy(new Error('read failed'));
    await expect(waiting).rejects.toThrow('read failed');
  });
});
