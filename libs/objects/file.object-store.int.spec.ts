import { mkdir, readdir, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { PolyscribeError } from '#contracts';
import { asStoreError } from './file-errors.js';
import { objectStoreContract } from './object-store.contract.js';
import { type FileStoreFixture, fileStoreFixture } from './testing/file-store-fixture.js';

objectStoreContract('FileObjectStore', fileStoreFixture);

describe('FileObjectStore on disk', () => {
  let fixture: FileStoreFixture;

  beforeEach(async () => {
    fixture = await fileStoreFixture();
  });

  afterEach(() => fixture.dispose());

  it('lets nobody else read', async () => {
    await fixture.open().put('jobs/1/a.wav', Readable.from(['x']));
    const modeOf = async (...path: string[]) => (await stat(join(fixture.folder, ...path))).mode & 0o777;
    expect(await modeOf('jobs', '1', 'a.wav')).toBe(0o600);
    expect(await modeOf('jobs')).toBe(0o700);
    expect(await modeOf('jobs', '1')).toBe(0o700);
  });

  it('removes folders that a delete leaves empty', async () => {
    const store = fixture.open();
    await store.put('jobs/1/a.wav', Readable.from(['x']));
    await store.delete('jobs/1/a.wav');
    expect(await readdir(fixture.folder)).toEqual(['.drafts']);
  });

  it('removes what a crash left, and not what somebody writes', async () => {
    const drafts = join(fixture.folder, '.drafts');
    await mkdir(drafts);
    await writeFile(join(drafts, 'crashed'), 'half');
    await writeFile(join(drafts, 'being-written'), 'half');
    const yesterday = Date.now() / 1000 - 86_400;
    await utimes(join(drafts, 'crashed'), yesterday, yesterday);
    const store = fixture.open();
    await store.ping();
    expect(await readdir(drafts)).toEqual(['being-written']);
    await utimes(join(drafts, 'being-written'), yesterday, yesterday);
    await store.clearLeftovers();
    expect(await readdir(drafts)).toEqual([]);
  });

  it('leaves no draft after a refused, an aborted or a failed write', async () => {
    const store = fixture.open();
    const source = new Readable({ read: () => undefined });
    const failed = store.put('a', source);
    source.destroy(new Error('cut'));
    await expect(failed).rejects.toThrow('cut');
    await expect(store.put('a', Readable.from(['x']), { signal: AbortSignal.abort() })).rejects.toThrow();
    await store.put('a', Readable.from(['x']));
    await expect(store.put('a/b', Readable.from(['x']))).rejects.toMatchObject({ code: 'invalid_request' });
    expect(await readdir(join(fixture.folder, '.drafts'))).toEqual([]);
  });

  it('says plainly that the disk is full', () => {
    const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
    const error = asStoreError(full);
    expect(error).toBeInstanceOf(PolyscribeError);
    expect(error).toMatchObject({
      code: 'dependency_unavailable',
      message: 'The object store is full; free some space and try again.',
    });
  });
});
