import { PIECE_BYTES, SoundMemory } from './sound-memory.js';
import { SpanSound } from './span-sound.js';

const never = new AbortController().signal;

async function heardOf(sound: SpanSound): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of sound.read(never)) pieces.push(piece);
  return Buffer.concat(pieces);
}

function soundOf(memory: SoundMemory, pcm: Buffer): SpanSound {
  const sound = new SpanSound(memory);
  sound.append(memory.keep(pcm));
  sound.close();
  return sound;
}

describe('SoundMemory', () => {
  it('keeps sound in pieces of eight seconds and a smaller one', () => {
    const pcm = Buffer.alloc(2 * PIECE_BYTES + 10, 'speech');
    const pieces = new SoundMemory().keep(pcm);
    expect(pieces.map((piece) => piece.length)).toEqual([PIECE_BYTES, PIECE_BYTES, 10]);
    expect(Buffer.compare(Buffer.concat(pieces), pcm)).toBe(0);
    expect(new SoundMemory().keep(Buffer.alloc(0))).toEqual([]);
  });

  it('uses again what was given back, and nothing else', () => {
    const memory = new SoundMemory();
    const [first] = memory.keep(Buffer.alloc(PIECE_BYTES, 1));
    const [second] = memory.keep(Buffer.alloc(PIECE_BYTES, 2));
    expect(first?.buffer === second?.buffer).toBe(false);
    memory.giveBack(first ? [first] : []);
    const [third] = memory.keep(Buffer.alloc(PIECE_BYTES, 3));
    expect(third?.buffer === first?.buffer).toBe(true);
    expect(second?.[0]).toBe(2);
  });

  it('leaves to the garbage collector what is more than a few spans', () => {
    const memory = new SoundMemory();
    const given = memory.keep(Buffer.alloc(100 * PIECE_BYTES));
    memory.giveBack(given);
    const known = new Set(given.map((piece) => piece.buffer));
    const again = memory.keep(Buffer.alloc(100 * PIECE_BYTES)).filter((piece) => known.has(piece.buffer));
    expect(again).toHaveLength(64);
  });
});

describe('SpanSound', () => {
  it('is the same for each reader until it is released, and an error for whoever reads then', async () => {
    const memory = new SoundMemory();
    const pcm = Buffer.alloc(2 * PIECE_BYTES, 'speech');
    const sound = soundOf(memory, pcm);
    expect(Buffer.compare(await heardOf(sound), pcm)).toBe(0);
    const late = sound.read(never);
    await late.next();
    sound.release();
    const other = soundOf(memory, Buffer.alloc(2 * PIECE_BYTES, 'other'));
    await expect(late.next()).rejects.toThrow('released');
    await expect(heardOf(sound)).rejects.toThrow('released');
    expect(Buffer.compare(await heardOf(other), Buffer.alloc(2 * PIECE_BYTES, 'other'))).toBe(0);
  });

  it('gives its memory back once, and not while more of it comes in', async () => {
    const memory = new SoundMemory();
    const open = new SpanSound(memory);
    open.append(memory.keep(Buffer.alloc(PIECE_BYTES, 1)));
    open.release();
    open.close();
    expect((await heardOf(open))[0]).toBe(1);
    open.release();
    open.release();
    const [one, two] = [PIECE_BYTES, PIECE_BYTES].map((bytes) => memory.keep(Buffer.alloc(bytes, 2))[0]);
    expect(one?.buffer === two?.buffer).toBe(false);
  });
});
