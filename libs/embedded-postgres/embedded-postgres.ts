import { mkdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { systemErrorCode } from '#contracts';
import type { RunningService, ServiceContext, ServiceDefinition } from '#service-host';
import { findBinaries } from './binaries.js';
import { clusterDirOf, openCluster } from './cluster.js';
import { DataDirInUseError, lockDataDir } from './data-dir-lock.js';
import { takeGuard } from './guard.js';
import { chooseLauncher } from './launcher.js';
import { stopLeftover } from './leftover.js';
import { databaseUrl, ensureDatabase, type PostgresServer, startServer } from './postgres-server.js';

const DATABASE_NAME = 'polyscribe';

/**
 * PostgreSQL with its data under `DATA_DIR/postgres`, for those who configure none. It listens on a free port of the
 * loopback interface only and is stopped with the process; one that a killed process left behind is stopped at the next
 * start. When the server itself dies the service fails, and with it the process: whoever restarts it gets a database
 * that has recovered, and nobody works on half of one.
 */
export const embeddedPostgres: ServiceDefinition = {
  name: 'embedded-postgres',
  needs: [],
  provides: ['database'],
  async start(context) {
    const { dataDir } = context.config;
    await makeDataDir(dataDir);
    const lock = await lockDataDir(dataDir);
    try {
      return await startLocked(context, () => lock.release());
    } catch (error) {
      await lock.release();
      throw error;
    }
  },
};

/**
 * Makes the folder and those above it, one by one: Node's own recursive way never ends where the system says that a
 * folder does not exist whose parent is there, as /proc does.
 *
 * @throws Error that names DATA_DIR and says what is in the way
 */
async function makeDataDir(dataDir: string): Promise<void> {
  try {
    await makeFolder(dataDir);
  } catch (error) {
    const reason = systemErrorCode(error) ?? 'unknown error';
    throw new Error(`DATA_DIR must be a folder that this process may write to; ${dataDir} is not (${reason}).`, {
      cause: error,
    });
  }
}

async function makeFolder(path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory()) return;
  if (dirname(path) !== path) await makeFolder(dirname(path));
  await mkdir(path).catch((error: unknown) => {
    // Made by another process meanwhile, or a file of that name.
    if (systemErrorCode(error) !== 'EEXIST' || found) throw error;
  });
}

async function startLocked(
  { config: { dataDir }, logger }: ServiceContext,
  release: () => Promise<void>,
): Promise<RunningService> {
  const home = join(dataDir, 'postgres');
  const binaries = findBinaries();
  const launcher = await chooseLauncher(binaries.postgres, dataDir, clusterDirOf(home));
  const cluster = await openCluster(home, { binaries, launcher, sync: true });
  await stopLeftover(cluster, dataDir, logger);
  const server = await startServer({ binaries, launcher, cluster, logger });
  try {
    const guard = await takeGuard(databaseUrl(cluster, server.port, 'postgres'));
    if (!guard) throw new DataDirInUseError(dataDir, 'another process that starts just now');
    const database = await ensureDatabase(cluster, server.port, DATABASE_NAME);
    let stopping = false;
    return {
      endpoints: { database },
      failed: failure(server, () => stopping),
      stop: async () => {
        stopping = true;
        await guard.release();
        try {
          await server.stop();
        } finally {
          await release();
        }
      },
    };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

/** Resolves when the server ends without having been asked to. */
async function failure(server: PostgresServer, stopping: () => boolean): Promise<Error> {
  const log = await server.ended;
  if (!stopping()) return new Error(`The embedded PostgreSQL ended by itself: ${log}`);
  return new Promise(() => {
    // Never resolves: an end that was asked for is no failure.
  });
}
