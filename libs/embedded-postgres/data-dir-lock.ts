import { randomUUID } from 'node:crypto';
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { processIdentity } from './process-identity.js';
import { systemErrorCode } from '#contracts';

/** Another process works on this data directory. */
export class DataDirInUseError extends Error {
  override readonly name = 'DataDirInUseError';

  constructor(dataDir: string, owner: string) {
    super(`DATA_DIR ${dataDir} is in use by ${owner}; stop it first or set DATA_DIR to another folder.`);
  }
}

export interface DataDirLock {
  /** Lets the directory go. Safe to call more than once. */
  release(): Promise<void>;
}

interface Owner {
  readonly pid: number;
  readonly identity: string;
  /** Tells this very taking of the lock from any other. */
  readonly nonce: string;
}

/** Each try meets a lock that somebody else put there or took away meanwhile; more than a few cannot happen by chance. */
const MAX_TRIES = 20;

/**
 * Takes the data directory for this process. The lock is a file with the owner's process id and start time, so that a
 * lock whose owner was killed is taken over at once, also when another process has its id by now.
 *
 * @throws DataDirInUseError when a living process has it
 */
export async function lockDataDir(dataDir: string): Promise<DataDirLock> {
  const path = lockOf(dataDir);
  const identity = await processIdentity(process.pid);
  const mine: Owner = { pid: process.pid, identity: identity ?? '', nonce: randomUUID() };
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    if (await create(path, mine)) return { release: () => release(path, mine) };
    const found = await readFile(path, 'utf8').catch(ignoreMissing);
    if (found === undefined) continue;
    const owner = await livingOwner(found);
    if (owner !== undefined) throw new DataDirInUseError(dataDir, `process ${String(owner)}`);
    await removeStale(path, found);
  }
  throw new DataDirInUseError(dataDir, 'processes that start at the same time');
}

/** The id of the process that has the directory now; undefined where none is seen to have it. */
export async function dataDirOwner(dataDir: string): Promise<number | undefined> {
  // A folder that cannot be looked into is a matter for whoever wants to work in it.
  const found = await readFile(lockOf(dataDir), 'utf8').catch(() => undefined);
  return found === undefined ? undefined : livingOwner(found);
}

function lockOf(dataDir: string): string {
  return join(dataDir, 'polyscribe.lock');
}

async function livingOwner(text: string): Promise<number | undefined> {
  const owner = parseOwner(text);
  return owner && (await processIdentity(owner.pid)) === owner.identity ? owner.pid : undefined;
}

/** Puts the lock there with all it says at once: a link fails when the name is taken, and never shows half a file. */
async function create(path: string, owner: Owner): Promise<boolean> {
  const draft = `${path}.${owner.nonce}`;
  await writeFile(draft, JSON.stringify(owner), { mode: 0o644, flag: 'w' });
  try {
    await link(draft, path);
    return true;
  } catch (error) {
    if (systemErrorCode(error) === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(draft, { force: true });
  }
}

/** Removes the lock unless somebody took it since it was read: then it is put back. */
async function removeStale(path: string, judged: string): Promise<void> {
  const aside = `${path}.${randomUUID()}`;
  try {
    await rename(path, aside);
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return;
    throw error;
  }
  try {
    if ((await readFile(aside, 'utf8')) !== judged) await link(aside, path);
  } finally {
    await rm(aside, { force: true });
  }
}

async function release(path: string, mine: Owner): Promise<void> {
  const found = await readFile(path, 'utf8').catch(ignoreMissing);
  if (found !== undefined && parseOwner(found)?.nonce === mine.nonce) await rm(path, { force: true });
}

/** undefined for what we did not write: a file that a power cut left empty, for one. */
function parseOwner(text: string): Owner | undefined {
  try {
    const value = JSON.parse(text) as Partial<Owner> | null;
    const { pid, identity, nonce } = value ?? {};
    if (typeof pid !== 'number' || typeof identity !== 'string' || typeof nonce !== 'string') return undefined;
    return { pid, identity, nonce };
  } catch {
    return undefined;
  }
}

function ignoreMissing(error: unknown): undefined {
  if (systemErrorCode(error) !== 'ENOENT') throw error;
  return undefined;
}
