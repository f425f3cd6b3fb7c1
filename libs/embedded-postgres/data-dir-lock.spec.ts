import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DataDirInUseError, dataDirOwner, lockDataDir } from './data-dir-lock.js';

describe('lockDataDir', () => {
  let dir: string;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'polyscribe-lock-'));
  });
  afterEach(async () => {
    await rm(dir, { recursive: true, force: true });
  });

  it('gives the directory to one at a time', async () => {
    const lock = await lockDataDir(dir);
    await expect(lockDataDir(dir)).rejects.toBeInstanceOf(DataDirInUseError);
    await lock.release();
    await lock.release();
    await (await lockDataDir(dir)).release();
    expect(await readdir(dir)).toEqual([]);
  });

  it('gives it to one of many that find a stale lock at once', async () => {
    await writeFile(join(dir, 'polyscribe.lock'), JSON.stringify({ pid: 2 ** 22 + 1, identity: 'x', nonce: 'x' }));
    const tries = await Promise.allSettled(Array.from({ length: 20 }, () => lockDataDir(dir)));
    expect(tries.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await readdir(dir)).toEqual(['polyscribe.lock']);
  });

  it.each(['', 'null', '{"pid":1}', 'not json'])('takes over a damaged lock: %j', async (text) => {
    await writeFile(join(dir, 'polyscribe.lock'), text);
    await (await lockDataDir(dir)).release();
    expect(await readdir(dir)).toEqual([]);
  });

  it('does not release a lock that another process took over', async () => {
    const lock = await lockDataDir(dir);
    const other = JSON.stringify({ pid: 1, identity: 'other', nonce: 'other' });
    await writeFile(join(dir, 'polyscribe.lock'), other);
    await lock.release();
    expect(await readFile(join(dir, 'polyscribe.lock'), 'utf8')).toBe(other);
  });

  it('tells who has the directory for as long as that process lives', async () => {
    expect(await dataDirOwner(join(dir, 'missing'))).toBeUndefined();
    const lock = await lockDataDir(dir);
    expect(await dataDirOwner(dir)).toBe(process.pid);
    await lock.release();
    expect(await dataDirOwner(dir)).toBeUndefined();
    await writeFile(
      join(dir, 'polyscribe.lock'),
      JSON.stringify({ pid: process.pid, identity: 'another', nonce: 'x' }),
    );
    expect(await dataDirOwner(dir)).toBeUndefined();
  });
});
