import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger } from '#telemetry';
import { findBinaries } from '../binaries.js';
import { clusterDirOf, openCluster } from '../cluster.js';
import { chooseLauncher } from '../launcher.js';
import { databaseUrl, startServer } from '../postgres-server.js';
import { systemErrorCode } from '#contracts';
import { processIdentity } from '../process-identity.js';
import { stopPostmaster } from '../stop-postmaster.js';
import { waitUntil } from '../wait-until.js';

/** Names the folder of this test run's server, set by the run's global set-up. */
export const FOLDER_VARIABLE = 'POLYSCRIBE_TEST_DATABASE_DIR';
const FOLDER_PREFIX = 'polyscribe-test-';
const START_TIMEOUT_MS = 60_000;

interface Started {
  readonly url: string;
  readonly pid: number;
  /** Tells the server from a later process with its id. */
  readonly identity: string | undefined;
}

/** Nothing of it needs to outlive the run. */
const settings = ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off', 'max_connections=200'];

/**
 * The one PostgreSQL server of this test run. The first test process that asks starts it, the others wait; a run that
 * needs no database starts none.
 *
 * @returns the URL of its maintenance database
 */
export async function sharedServer(): Promise<string> {
  const folder = process.env[FOLDER_VARIABLE];
  if (folder === undefined) throw new Error('Tests with a database run under Jest with its global set-up.');
  if (await firstToAsk(folder)) {
    const started = await start(folder);
    const draft = join(folder, 'started.json.new');
    await writeFile(draft, JSON.stringify(started));
    await rename(draft, join(folder, 'started.json'));
  }
  let started: Started | undefined;
  await waitUntil(async () => (started = await readStarted(folder)) !== undefined, START_TIMEOUT_MS);
  if (!started) throw new Error('The PostgreSQL server for tests did not start in time.');
  return started.url;
}

/** Makes the folder in which the first test that needs a database starts its server. */
export async function makeRunFolder(): Promise<string> {
  await removeAbandoned();
  const folder = await mkdtemp(join(tmpdir(), FOLDER_PREFIX));
  await chmod(folder, 0o755);
  const identity = await processIdentity(process.pid);
  await writeFile(join(folder, 'run.json'), JSON.stringify({ pid: process.pid, identity }));
  return folder;
}

/** Stops the servers of our own earlier runs that were killed before they could. */
async function removeAbandoned(): Promise<void> {
  for (const name of (await readdir(tmpdir())).filter((each) => each.startsWith(FOLDER_PREFIX))) {
    const folder = join(tmpdir(), name);
    const found = await stat(folder).catch(() => undefined);
    // Anyone may put a folder there; what another user writes into it must not tell us which process to stop.
    if (found?.uid !== process.getuid?.()) continue;
    const text = await readFile(join(folder, 'run.json'), 'utf8').catch(() => undefined);
    if (text === undefined) continue;
    const run = JSON.parse(text) as { pid: number; identity: string };
    if ((await processIdentity(run.pid)) !== run.identity) await stopSharedServer(folder);
  }
}

/** Stops the server of a test run if it was started, and removes its folder. */
export async function stopSharedServer(folder: string): Promise<void> {
  const started = await readStarted(folder);
  if (started) {
    const { pid, identity } = started;
    await stopPostmaster(pid, async () => identity !== undefined && (await processIdentity(pid)) === identity);
  }
  await rm(folder, { recursive: true, force: true });
}

async function firstToAsk(folder: string): Promise<boolean> {
  try {
    await mkdir(join(folder, 'asked'));
    return true;
  } catch (error) {
    if (systemErrorCode(error) === 'EEXIST') return false;
    throw error;
  }
}

async function start(folder: string): Promise<Started> {
  const home = join(folder, 'postgres');
  const binaries = findBinaries();
  const launcher = await chooseLauncher(binaries.postgres, folder, clusterDirOf(home));
  const cluster = await openCluster(home, { binaries, launcher, sync: false });
  const logger = createLogger('test-database', 'silent');
  const server = await startServer({ binaries, launcher, cluster, logger, settings });
  // This test process may end long before the run does, and must not wait for the server.
  server.unref();
  const { pid } = server;
  return { url: databaseUrl(cluster, server.port, 'postgres'), pid, identity: await processIdentity(pid) };
}

async function readStarted(folder: string): Promise<Started | undefined> {
  const text = await readFile(join(folder, 'started.json'), 'utf8').catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as Started);
}
