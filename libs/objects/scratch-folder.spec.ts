import { mkdtemp, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger } from '#telemetry';
import { ScratchFolder } from './scratch-folder.js';

describe('ScratchFolder', () => {
  let root: string;
  const logger = createLogger('test', 'silent');

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'polyscribe-scratch-'));
  });

  afterEach(() => rm(root, { recursive: true, force: true }));

  it('is for its owner only', async () => {
    await new ScratchFolder(join(root, 'scratch'), logger).prepare();
    expect((await stat(join(root, 'scratch'))).mode & 0o777).toBe(0o700);
  });

  it('removes what a crash left, and not what somebody still touches', async () => {
    for (const name of ['crashed', 'in-use']) await writeFile(join(root, name), 'x');
    const yesterday = Date.now() / 1000 - 86_400;
    await utimes(join(root, 'crashed'), yesterday, yesterday);
    await new ScratchFolder(root, logger).prepare();
    expect(await readdir(root)).toEqual(['in-use']);
  });

  it('gives files of their own and removes them when told to, more than once if need be', async () => {
    const scratch = new ScratchFolder(root, logger);
    const [one, other] = await Promise.all([scratch.newFile(), scratch.newFile()]);
    expect(one.path).not.toBe(other.path);
    await writeFile(one.path, 'x');
    await one.dispose();
    await one.dispose();
    await other.dispose();
    expect(await readdir(root)).toEqual([]);
  });

  it('removes at its end what is still there', async () => {
    const scratch = new ScratchFolder(root, logger);
    await writeFile((await scratch.newFile()).path, 'x');
    await scratch.close();
    expect(await readdir(root)).toEqual([]);
  });
});
