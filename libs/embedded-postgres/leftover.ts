import { readFile, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Logger } from '#telemetry';
import type { Cluster } from './cluster.js';
import { DataDirInUseError } from './data-dir-lock.js';
import { type Guard, takeGuard } from './guard.js';
import { databaseUrl } from './postgres-server.js';
import { processCommand, processIdentity } from './process-identity.js';
import { stopPostmaster } from './stop-postmaster.js';

/**
 * Stops the server that a killed process left running on the cluster. It is not taken over: its log goes nowhere, and
 * nothing would tell us when it ends.
 *
 * @throws DataDirInUseError when its owner is alive after all
 */
export async function stopLeftover(cluster: Cluster, dataDir: string, logger: Logger): Promise<void> {
  const found = await readPidFile(cluster);
  if (!found) return;
  const identity = await processIdentity(found.pid);
  if (identity === undefined) return;
  if (!isOurServer(await processCommand(found.pid), cluster)) {
    // The id is another process's by now. PostgreSQL cannot tell and would refuse to start.
    await rm(pidFileOf(cluster), { force: true });
    return;
  }
  const guard = await guardOf(cluster, found.port);
  if (guard === 'held') throw new DataDirInUseError(dataDir, `the owner of PostgreSQL process ${String(found.pid)}`);
  logger.warn({ postgresPid: found.pid }, 'stopping the PostgreSQL server that an earlier run left behind');
  await stopPostmaster(found.pid, async () => (await processIdentity(found.pid)) === identity);
  if (guard !== 'silent') await guard.release();
}

async function guardOf(cluster: Cluster, port: number): Promise<Guard | 'held' | 'silent'> {
  try {
    return (await takeGuard(databaseUrl(cluster, port, 'postgres'))) ?? 'held';
  } catch {
    // It does not answer: nobody can be working with it.
    return 'silent';
  }
}

function isOurServer(command: string | undefined, cluster: Cluster): boolean {
  return (
    command !== undefined && basename(command.split(' -D ')[0] ?? '') === 'postgres' && command.includes(cluster.dir)
  );
}

function pidFileOf(cluster: Cluster): string {
  return join(cluster.dir, 'postmaster.pid');
}

/** postmaster.pid holds, line by line: process id, data directory, start time, port, and more. */
async function readPidFile(cluster: Cluster): Promise<{ pid: number; port: number } | undefined> {
  const text = await readFile(pidFileOf(cluster), 'utf8').catch(() => undefined);
  const lines = text?.split('\n') ?? [];
  const pid = Number(lines[0]);
  const port = Number(lines[3]);
  return Number.isInteger(pid) && pid > 1 ? { pid, port } : undefined;
}
