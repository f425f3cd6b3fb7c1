import { spawn } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { chmod, chown, mkdir, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { type PostgresBinaries, POSTGRES_MAJOR } from './binaries.js';
import type { Launcher } from './launcher.js';
import { systemErrorCode } from '#contracts';

/** The role that owns everything in the embedded database. */
export const DATABASE_USER = 'polyscribe';

const INITDB_TIMEOUT_MS = 300_000;
const MAX_ERROR_CHARS = 2_000;

/** A database cluster on disk, with the password that opens it. */
export interface Cluster {
  /** PostgreSQL's own data directory. */
  readonly dir: string;
  readonly password: string;
}

export interface ClusterOptions {
  readonly binaries: PostgresBinaries;
  readonly launcher: Launcher;
  /** Whether a new cluster is written through to the disk; only a database that is thrown away may go without. */
  readonly sync: boolean;
}

/** Where the cluster lies in its folder; beside it lies the password, which PostgreSQL's user need not read. */
export function clusterDirOf(home: string): string {
  return join(home, 'cluster');
}

/**
 * Opens the cluster in the folder `home` and makes it first when the folder is not there. It is made under another name
 * and renamed when it is complete, so that a crash leaves either nothing or all of it.
 *
 * Call it under the data directory's lock only.
 *
 * @throws Error that says what to do when the folder holds something else
 */
export async function openCluster(home: string, options: ClusterOptions): Promise<Cluster> {
  await removeDrafts(home);
  const version = await readFile(join(clusterDirOf(home), 'PG_VERSION'), 'utf8').catch(ignoreMissing);
  if (version === undefined) await makeCluster(home, options);
  else if (version.trim() !== POSTGRES_MAJOR) {
    throw new Error(
      `${home} was made by PostgreSQL ${version.trim()}, and this is ${POSTGRES_MAJOR}: dump it with the former release ` +
        'and load it here, or move the folder away to begin anew.',
    );
  }
  const password = await readFile(join(home, 'password'), 'utf8').catch(ignoreMissing);
  if (password === undefined) {
    throw new Error(`${join(home, 'password')} is missing: put it back, or move ${home} away to begin anew.`);
  }
  return { dir: clusterDirOf(home), password: password.trim() };
}

async function makeCluster(home: string, { binaries, launcher, sync }: ClusterOptions): Promise<void> {
  const draft = `${home}.new-${randomUUID()}`;
  const dir = clusterDirOf(draft);
  const password = randomBytes(24).toString('base64url');
  await mkdir(dir, { recursive: true });
  // PostgreSQL's user must be able to pass through, and nobody else need see more.
  await chmod(draft, launcher.owner ? 0o711 : 0o700);
  await chmod(dir, 0o700);
  const passwordFile = join(draft, 'initdb-password');
  await writeFile(passwordFile, password, { mode: 0o600 });
  if (launcher.owner) {
    await chown(dir, launcher.owner.uid, launcher.owner.gid);
    await chown(passwordFile, launcher.owner.uid, launcher.owner.gid);
  }
  await runInitdb(binaries, launcher, dir, passwordFile, sync);
  await rm(passwordFile);
  await writeFile(join(draft, 'password'), password, { mode: 0o600, flush: true });
  try {
    await rename(draft, home);
  } catch (error) {
    throw new Error(`${home} holds something that is no database of ours: move it away or set another DATA_DIR.`, {
      cause: error,
    });
  }
  await syncFolder(dirname(home));
}

function runInitdb(
  binaries: PostgresBinaries,
  launcher: Launcher,
  dir: string,
  passwordFile: string,
  sync: boolean,
): Promise<void> {
  const { file, args, options } = launcher.command(binaries.initdb, [
    `--pgdata=${dir}`,
    `--username=${DATABASE_USER}`,
    `--pwfile=${passwordFile}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    // Order and case rules that are the same on every system, whatever locales it has.
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    '--locale=C',
    '--no-instructions',
    ...(sync ? [] : ['--no-sync']),
  ]);
  const child = spawn(file, args, {
    ...options,
    cwd: '/',
    env: programEnv(),
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: INITDB_TIMEOUT_MS,
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-MAX_ERROR_CHARS);
  });
  return new Promise((resolve, reject) => {
    child.once('error', (error) => reject(new Error('initdb could not be started.', { cause: error })));
    child.once('close', (code, signal) => {
      if (code === 0) resolve();
      else reject(new Error(`initdb ended with ${signal ?? `code ${String(code)}`}: ${said.trim()}`));
    });
  });
}

/** All that PostgreSQL's programs see of our environment, which holds secrets of other services. */
export function programEnv(): NodeJS.ProcessEnv {
  return { PATH: process.env['PATH'] ?? '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' };
}

/** What an earlier start left half made when it was killed. */
async function removeDrafts(home: string): Promise<void> {
  const names = await readdir(dirname(home));
  for (const name of names.filter((each) => each.startsWith(`${basename(home)}.new-`))) {
    await rm(join(dirname(home), name), { recursive: true, force: true });
  }
}

/** Makes a rename last through a power cut. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function ignoreMissing(error: unknown): undefined {
  if (systemErrorCode(error) !== 'ENOENT') throw error;
  return undefined;
}
