import { CountedAudio } from '#engine-testkit';
import { AudioFeed, END, IDLE } from './audio-feed.js';
import { inChunks } from './testing/simulated-riva.js';

const { signal } = new AbortController();
const numbered = Buffer.from(Array.from({ length: 1_000 }, (_, index) => index % 251));

async function readAll(feed: AudioFeed, from = 0): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for (let position = from; ;) {
    const piece = await feed.read(position, 10_000, signal);
    if (piece === END) return Buffer.concat(pieces);
    if (piece === IDLE) throw new Error('The source gave nothing.');
    position += piece.length;
    pieces.push(piece);
  }
}

describe('AudioFeed', () => {
  it.each([1, 3, 64, 5_000])('gives whole samples of chunks of %d bytes', async (chunkBytes) => {
    const feed = new AudioFeed(inChunks(numbered, chunkBytes), 10_000);
    const first = await feed.read(0, 10_000, signal);
    expect(Buffer.isBuffer(first) && first.length % 2).toBe(0);
    expect(await readAll(feed)).toEqual(numbered);
    expect(feed.heardMs).toBe(1_000 / 32);
  });

  it('leaves out half a sample at the end', async () => {
    const feed = new AudioFeed(inChunks(numbered.subarray(0, 7)), 10_000);
    expect(await readAll(feed)).toEqual(numbered.subarray(0, 6));
  });

  it('gives audio again, but for what was let go of', async () => {
    const feed = new AudioFeed(inChunks(numbered, 100), 10_000);
    await readAll(feed);
    feed.discardBefore(250);
    expect(feed.canReadFrom(248)).toBe(false);
    expect(feed.canReadFrom(250)).toBe(true);
    expect(await readAll(feed, 250)).toEqual(numbered.subarray(250));
    await expect(feed.read(0, 10_000, signal)).rejects.toThrow(/let go of/);
  });

  it('keeps no more than it may', async () => {
    const feed = new AudioFeed(inChunks(numbered, 100), 300);
    await readAll(feed);
    expect(feed.canReadFrom(600)).toBe(false);
    expect(feed.canReadFrom(700)).toBe(true);
  });

  it('says when nothing comes, and loses nothing by that', async () => {
    const audio = new CountedAudio({ pcm: numbered, chunkBytes: 1_000, end: 'hang' });
    const feed = new AudioFeed(audio, 10_000);
    await feed.read(0, 10_000, signal);
    await expect(feed.read(1_000, 5, signal)).resolves.toBe(IDLE);
    await expect(feed.read(1_000, 5, signal)).resolves.toBe(IDLE);
    expect(audio.pulls).toBe(2);
    feed.close();
    expect(audio.isReleased).toBe(true);
  });

  it('tells the failure of the source from an abort', async () => {
    const failure = new Error('The source broke.');
    const broken = new AudioFeed(new CountedAudio({ pcm: numbered, end: { error: failure } }), 10_000);
    await expect(readAll(broken)).rejects.toBe(failure);
    expect(broken.failure?.thrown).toBe(failure);
    const hanging = new AudioFeed(new CountedAudio({ pcm: Buffer.alloc(0), end: 'hang' }), 10_000);
    await expect(hanging.read(0, 10_000, AbortSignal.abort())).rejects.toThrow();
    expect(hanging.failure).toBeUndefined();
    hanging.close();
  });
});
