import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadLinkSecret } from './link-secret.js';
import { type LinkQuery, SignedLinks } from './signed-links.js';

const links = new SignedLinks(Buffer.alloc(32, 7), () => 'https://scribe.example/');

function queryOf(link: string): LinkQuery {
  const { searchParams } = new URL(link);
  return {
    expires: searchParams.get('expires') ?? '',
    filename: searchParams.get('filename') ?? '',
    signature: searchParams.get('signature') ?? '',
  };
}

describe('SignedLinks', () => {
  const query = queryOf(links.sign('jobs/1/a.wav', 1_000_000, 'Gespräch & mehr.wav'));

  it('makes a link under the public URL that keeps the file name', () => {
    const link = new URL(links.sign('jobs/1/a.wav', 1_000_000, 'Gespräch & mehr.wav'));
    expect(link.origin + link.pathname).toBe('https://scribe.example/api/media/jobs/1/a.wav');
    expect(query).toMatchObject({ expires: '1000000', filename: 'Gespräch & mehr.wav' });
  });

  it('knows its own links until they expire', () => {
    expect(links.verify('jobs/1/a.wav', query, 999_999)).toBe(true);
    expect(links.verify('jobs/1/a.wav', query, 1_000_000)).toBe(false);
  });

  it.each([
    ['another key', 'jobs/2/a.wav', query],
    ['a later expiry', 'jobs/1/a.wav', { ...query, expires: '2000000' }],
    ['an expiry that is no number', 'jobs/1/a.wav', { ...query, expires: 'never' }],
    ['another file name', 'jobs/1/a.wav', { ...query, filename: 'a.html' }],
    ['an empty signature', 'jobs/1/a.wav', { ...query, signature: '' }],
    ['a signature cut short', 'jobs/1/a.wav', { ...query, signature: query.signature.slice(0, -4) }],
    [
      'the signature of another secret',
      'jobs/1/a.wav',
      queryOf(
        new SignedLinks(Buffer.alloc(32, 8), () => 'https://scribe.example').sign(
          'jobs/1/a.wav',
          1_000_000,
          query.filename,
        ),
      ),
    ],
  ])('refuses a link with %s', (_title, key, changed) => {
    expect(links.verify(key, changed, 0)).toBe(false);
  });
});

describe('loadLinkSecret', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'polyscribe-secret-'));
  });

  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('makes one secret for all who ask at once, and leaves no draft', async () => {
    const target = join(folder, 'objects');
    const secrets = await Promise.all(Array.from({ length: 20 }, () => loadLinkSecret(target)));
    expect(new Set(secrets.map((secret) => secret.toString('hex'))).size).toBe(1);
    expect(secrets[0]).toHaveLength(32);
    expect(await readdir(target)).toEqual(['.link-secret']);
    expect((await stat(join(target, '.link-secret'))).mode & 0o777).toBe(0o600);
  });

  it('refuses a damaged secret and does not replace it', async () => {
    await writeFile(join(folder, '.link-secret'), 'short');
    await expect(loadLinkSecret(folder)).rejects.toThrow(/remove it/);
  });
});
