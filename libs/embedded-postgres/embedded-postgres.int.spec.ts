import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { jest } from '@jest/globals';
import { processIdentity } from './process-identity.js';
import { withClient } from './postgres-server.js';
import { waitUntil } from './wait-until.js';

type Line = Partial<Record<'ready' | 'refused' | 'failed' | 'stopped', string>>;

/** A child process that runs the embedded database. */
interface Owner {
  readonly child: ChildProcess;
  /** What it says next. */
  next(): Promise<Line>;
  readonly exited: () => Promise<void>;
}

const script = fileURLToPath(new URL('./testing/embedded-owner.js', import.meta.url));

// Each test makes a database cluster and starts it several times; a busy machine takes long over that.
jest.setTimeout(180_000);

describe('embeddedPostgres', () => {
  const owners: Owner[] = [];
  let dataDir: string;

  async function makeDataDir(): Promise<void> {
    dataDir = await mkdtemp(join(tmpdir(), 'polyscribe-data-'));
    await chmod(dataDir, 0o755);
  }

  async function removeDataDir(): Promise<void> {
    // A server whose files go while it runs answers nothing and takes a minute to end.
    await stopOwners();
    await rm(dataDir, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  }

  async function stopOwners(): Promise<void> {
    for (const { child, exited } of owners.splice(0)) {
      child.kill('SIGTERM');
      await exited();
    }
    // What a killed owner left behind and no second start cleared away.
    const pid = await postmaster();
    if (pid !== undefined && (await processIdentity(pid)) !== undefined) process.kill(pid, 'SIGQUIT');
  }

  afterEach(stopOwners);

  function startOwner(): Owner {
    const child = spawn(process.execPath, [script, dataDir], { stdio: ['ignore', 'pipe', 'inherit'], detached: true });
    const lines: AsyncIterator<string, undefined> = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const exit = new Promise<void>((resolve) => child.once('close', () => resolve()));
    const owner: Owner = {
      child,
      next: async () => {
        const { value } = await lines.next();
        return value === undefined ? {} : (JSON.parse(value) as Line);
      },
      exited: () => exit,
    };
    owners.push(owner);
    return owner;
  }

  async function readyOwner(): Promise<{ owner: Owner; url: string }> {
    const owner = startOwner();
    const line = await owner.next();
    expect(Object.keys(line)).toEqual(['ready']);
    return { owner, url: line.ready ?? '' };
  }

  async function kill(owner: Owner, signal: NodeJS.Signals): Promise<void> {
    owner.child.kill(signal);
    await owner.exited();
  }

  async function postmaster(): Promise<number | undefined> {
    const text = await readFile(join(dataDir, 'postgres/cluster/postmaster.pid'), 'utf8').catch(() => undefined);
    return text === undefined ? undefined : Number(text.split('\n')[0]);
  }

  /** Commits something that can be recognised. */
  async function write(url: string): Promise<string> {
    const word = randomUUID();
    await withClient(url, async (client) => {
      await client.query('CREATE TABLE IF NOT EXISTS kept (word text)');
      await client.query('INSERT INTO kept VALUES ($1)', [word]);
    });
    return word;
  }

  const read = (url: string): Promise<string[]> =>
    withClient(url, async (client) =>
      (await client.query<{ word: string }>('SELECT word FROM kept')).rows.map(({ word }) => word),
    );

  describe('in a folder of which it knows nothing', () => {
    beforeEach(makeDataDir);
    afterEach(removeDataDir);

    it('keeps its data through a stop and leaves nothing running', async () => {
      const first = await readyOwner();
      const word = await write(first.url);
      const pid = (await postmaster()) ?? 0;
      await kill(first.owner, 'SIGTERM');
      expect(await first.owner.next()).toEqual({ stopped: '' });
      expect(await processIdentity(pid)).toBeUndefined();
      expect(await readdir(dataDir)).toEqual(['postgres']);
      const second = await readyOwner();
      expect(await read(second.url)).toContain(word);
    });

    it('works below a folder that only its owner may enter', async () => {
      await chmod(dataDir, 0o700);
      const first = await readyOwner();
      const word = await write(first.url);
      await kill(first.owner, 'SIGTERM');
      const second = await readyOwner();
      expect(await read(second.url)).toContain(word);
    });

    it('clears away what a killed first start left half made', async () => {
      await mkdir(join(dataDir, 'postgres.new-1/cluster/base'), { recursive: true });
      await writeFile(join(dataDir, 'polyscribe.lock'), '');
      await readyOwner();
      expect((await readdir(dataDir)).toSorted()).toEqual(['polyscribe.lock', 'postgres']);
    });

    it('touches no folder that is not its own', async () => {
      await mkdir(join(dataDir, 'postgres'));
      await writeFile(join(dataDir, 'postgres/notes.txt'), 'mine');
      expect((await startOwner().next()).refused).toContain('holds something that is no database of ours');
      expect(await readdir(join(dataDir, 'postgres'))).toEqual(['notes.txt']);
    });

    it('refuses a database of another major version', async () => {
      await mkdir(join(dataDir, 'postgres/cluster'), { recursive: true });
      await writeFile(join(dataDir, 'postgres/cluster/PG_VERSION'), '14\n');
      expect((await startOwner().next()).refused).toContain('was made by PostgreSQL 14');
    });
  });

  describe('in a folder that it used before', () => {
    beforeAll(makeDataDir);
    afterAll(removeDataDir);

    it('lets nobody else read the password or come in from outside', async () => {
      const { url } = await readyOwner();
      const { mode } = await stat(join(dataDir, 'postgres/password'));
      expect(mode & 0o777).toBe(0o600);
      expect(new URL(url).hostname).toBe('127.0.0.1');
      const wrong = new URL(url);
      wrong.password = 'guess';
      await expect(withClient(wrong.href, () => Promise.resolve())).rejects.toMatchObject({ code: '28P01' });
    });

    it('starts again with all its data after its process was killed', async () => {
      const first = await readyOwner();
      const word = await write(first.url);
      const pid = (await postmaster()) ?? 0;
      await kill(first.owner, 'SIGKILL');
      expect(await processIdentity(pid)).toBeDefined();
      const second = await readyOwner();
      expect(await read(second.url)).toContain(word);
      expect(await processIdentity(pid)).toBeUndefined();
    });

    it('fails when PostgreSQL is killed and starts again with all its data', async () => {
      const first = await readyOwner();
      const word = await write(first.url);
      process.kill((await postmaster()) ?? 0, 'SIGKILL');
      expect((await first.owner.next()).failed).toContain('ended by itself');
      await first.owner.exited();
      const second = await readyOwner();
      expect(await read(second.url)).toContain(word);
    });

    it('starts again after both were killed', async () => {
      const first = await readyOwner();
      const word = await write(first.url);
      const pid = (await postmaster()) ?? 0;
      await kill(first.owner, 'SIGKILL');
      process.kill(pid, 'SIGKILL');
      const second = await readyOwner();
      expect(await read(second.url)).toContain(word);
    });

    it('refuses a second process with its reason and leaves the first unharmed', async () => {
      const first = await readyOwner();
      const second = startOwner();
      const pid = String(first.owner.child.pid);
      expect(await second.next()).toEqual({
        refused: `DATA_DIR ${dataDir} is in use by process ${pid}; stop it first or set DATA_DIR to another folder.`,
      });
      const word = await write(first.url);
      expect(await read(first.url)).toContain(word);
    });

    it('lets one of several that start at once through, also over what a killed one left', async () => {
      const before = await readyOwner();
      await kill(before.owner, 'SIGKILL');
      const said = await Promise.all([startOwner(), startOwner(), startOwner()].map((owner) => owner.next()));
      expect(said.filter(({ ready }) => ready !== undefined)).toHaveLength(1);
      expect(said.filter(({ refused }) => refused?.includes('is in use by'))).toHaveLength(2);
    });

    it('is not held up by files that name a process id that another process has now', async () => {
      const first = await readyOwner();
      const word = await write(first.url);
      await kill(first.owner, 'SIGTERM');
      const alien = { pid: process.pid, identity: 'an earlier boot:1', nonce: 'x' };
      await writeFile(join(dataDir, 'polyscribe.lock'), JSON.stringify(alien));
      const lines = [process.pid, join(dataDir, 'postgres/cluster'), 1, 5432, '', '127.0.0.1', '', 'ready'];
      await writeFile(join(dataDir, 'postgres/cluster/postmaster.pid'), lines.join('\n'));
      const second = await readyOwner();
      expect(await read(second.url)).toContain(word);
    });

    it('stays up for its process when a signal goes to all of a terminal', async () => {
      const { owner } = await readyOwner();
      process.kill(-(owner.child.pid ?? 0), 'SIGINT');
      expect(await owner.next()).toEqual({ stopped: '' });
    });

    it('ends when its process was asked to stop while it started', async () => {
      const owner = startOwner();
      await waitUntil(async () => (await postmaster()) !== undefined, 20_000);
      await kill(owner, 'SIGTERM');
      expect(await postmaster()).toBeUndefined();
    });
  });
});
