import { Writable } from 'node:stream';
import { createLogger } from '#telemetry';
import { eventually } from '#testing';
import { Rounds } from './rounds.js';

describe('rounds', () => {
  it('tell of an outage once, and of its end', async () => {
    const lines: string[] = [];
    const sink = new Writable({
      write(chunk: Buffer, _encoding, done) {
        lines.push((JSON.parse(chunk.toString()) as { msg: string }).msg);
        done();
      },
    });
    let looks = 0;
    const look = () => {
      looks += 1;
      return looks <= 5 ? Promise.reject(new Error('away')) : Promise.resolve();
    };
    const rounds = new Rounds('messages', look, 1, createLogger('test', 'info', sink));
    rounds.start();
    await eventually('rounds after the outage', () => looks >= 8);
    await rounds.stop();
    expect(lines).toEqual(['could not look for messages; trying again', 'can look for messages again']);
  });

  it('end with the look that is under way', async () => {
    let release: (() => void) | undefined;
    const look = () => new Promise<void>((resolve) => (release = resolve));
    const rounds = new Rounds('messages', look, 1, createLogger('test', 'silent'));
    rounds.start();
    await eventually('a look', () => release);
    let stopped = false;
    const stopping = rounds.stop().then(() => (stopped = true));
    await new Promise((resolve) => setImmediate(resolve));
    expect(stopped).toBe(false);
    release?.();
    await stopping;
  });
});
