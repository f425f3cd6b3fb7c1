import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger } from '#telemetry';
import { findBinaries } from '../binaries.js';
import { clusterDirOf, openCluster } from '../cluster.js';
import { chooseLauncher } from '../launcher.js';
import {
  databaseUrl,
  ensureDatabase,
  type PostgresServer,
  type ServerOptions,
  startServer,
} from '../postgres-server.js';

const DATABASE_NAME = 'polyscribe';

/**
 * A PostgreSQL server of one test's own, which may be stopped, killed and started again under the same address. What is
 * committed outlives a kill of the server, so that flushing to the disk, which costs the most, is left out where nobody
 * measures it.
 */
export class OwnServer {
  private constructor(
    private readonly folder: string,
    private readonly options: ServerOptions,
    private server: PostgresServer,
    readonly url: string,
  ) {}

  /** Whoever starts it closes it. */
  static async start({ flushes = false }: { readonly flushes?: boolean } = {}): Promise<OwnServer> {
    const folder = await mkdtemp(join(tmpdir(), 'polyscribe-postgres-'));
    // PostgreSQL's user must be able to pass through.
    await chmod(folder, 0o755);
    try {
      const home = join(folder, 'postgres');
      const binaries = findBinaries();
      const launcher = await chooseLauncher(binaries.postgres, folder, clusterDirOf(home));
      const cluster = await openCluster(home, { binaries, launcher, sync: false });
      const logger = createLogger('test-database', 'silent');
      const settings = [...(flushes ? [] : ['fsync=off']), 'max_connections=200'];
      const server = await startServer({ binaries, launcher, cluster, logger, settings });
      const options = { binaries, launcher, cluster, logger, settings, port: server.port };
      await ensureDatabase(cluster, server.port, DATABASE_NAME);
      return new OwnServer(folder, options, server, databaseUrl(cluster, server.port, DATABASE_NAME));
    } catch (error) {
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
  }

  /** Ends in an orderly way: open transactions are rolled back. */
  async stop(): Promise<void> {
    await this.server.stop();
  }

  /** Dies at once, as with `kill -9`; the next start replays the log. */
  async kill(): Promise<void> {
    process.kill(this.server.pid, 'SIGKILL');
    await this.server.ended;
  }

  async startAgain(): Promise<void> {
    this.server = await startServer(this.options);
  }

  async close(): Promise<void> {
    await this.server.stop();
    await rm(this.folder, { recursive: true, force: true });
  }
}
