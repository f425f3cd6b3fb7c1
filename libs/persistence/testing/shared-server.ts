import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createLogger } from '#telemetry';
import { findBinaries } from '../embedded/binaries.js';
import { clusterDirOf, openCluster } from '../embedded/cluster.js';
import { chooseLauncher } from '../embedded/launcher.js';
import { databaseUrl, startServer } from '../embedded/postgres-server.js';
import { systemErrorCode } from '../system-error.js';
import { processIdentity } from '../embedded/process-identity.js';
import { stopPostmaster } from '../embedded/stop-postmaster.js';
import { waitUntil } from '../embedded/wait-until.js';

/** Names the folder of this test run's server, set by the run's global set-up. */
export const FOLDER_VARIABLE = 'POLYSCRIBE_TEST_DATABASE_DIR';
const START_TIMEOUT_MS = 60_000;

interface Started {
  readonly url: string;
  readonly pid: number;
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

/** Stops the server of a test run if it was started, and removes its folder. */
export async function stopSharedServer(folder: string): Promise<void> {
  const started = await readStarted(folder);
  if (started) {
    const identity = await processIdentity(started.pid);
    await stopPostmaster(started.pid, async () => {
      return identity !== undefined && (await processIdentity(started.pid)) === identity;
    });
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
  return { url: databaseUrl(cluster, server.port, 'postgres'), pid: server.pid };
}

async function readStarted(folder: string): Promise<Started | undefined> {
  const text = await readFile(join(folder, 'started.json'), 'utf8').catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as Started);
}
