import { spawn } from 'node:child_process';
import { createServer, Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import type { Logger } from '#telemetry';
import type { PostgresBinaries } from './binaries.js';
import { type Cluster, DATABASE_USER, programEnv } from './cluster.js';
import type { Launcher } from './launcher.js';
import { forwardLog } from './server-log.js';
import { stopPostmaster } from './stop-postmaster.js';
import { waitUntil } from './wait-until.js';

const HOST = '127.0.0.1';
/** Recovery after a crash replays at most `max_wal_size` of log, which takes seconds; a slow disk may need more. */
const READY_TIMEOUT_MS = 60_000;
const CONNECT_TIMEOUT_MS = 5_000;
/** Another program may take the free port between the look and the bind; orphans of a killed server need a moment. */
const MAX_STARTS = 10;

export interface ServerOptions {
  readonly binaries: PostgresBinaries;
  readonly launcher: Launcher;
  readonly cluster: Cluster;
  readonly logger: Logger;
  /** More settings as `name=value`. */
  readonly settings?: readonly string[];
  /** A free one unless told otherwise. */
  readonly port?: number;
}

export interface PostgresServer {
  readonly pid: number;
  readonly port: number;
  /** Resolves when the server has ended, asked to or not, with the last lines of its log. */
  readonly ended: Promise<string>;
  /** Fast shutdown: open transactions are rolled back, what is committed is on disk. */
  stop(): Promise<void>;
  /** Lets this process end before the server does. */
  unref(): void;
}

/** Small enough for a laptop, and nothing of the data is at risk: fsync and full_page_writes stay on. */
const defaultSettings = [
  `listen_addresses=${HOST}`,
  'unix_socket_directories=',
  'max_connections=60',
  'shared_buffers=64MB',
  'max_wal_size=512MB',
  'io_method=sync',
  'jit=off',
  // Parallel queries need more shared memory than containers give by default.
  'max_parallel_workers_per_gather=0',
  'timezone=UTC',
  'log_line_prefix=',
  'logging_collector=off',
  // Row contents and statements hold transcript text, which no log may hold.
  'log_error_verbosity=terse',
  'log_min_error_statement=panic',
];

/**
 * Starts PostgreSQL on a port of the loopback interface and waits until it answers.
 *
 * @throws Error with the last lines of its log when it ends or stays silent
 */
export async function startServer(options: ServerOptions): Promise<PostgresServer> {
  for (let starts = 1; ; starts++) {
    const attempt = await startOnce(options, options.port ?? (await freePort()));
    if ('server' in attempt) return attempt.server;
    if (starts === MAX_STARTS || !mayPass(attempt.log)) {
      throw new Error(`The embedded PostgreSQL did not start: ${attempt.log}`);
    }
    options.logger.debug({ starts }, 'PostgreSQL did not start, trying again');
    await delay(100 * starts);
  }
}

/** Whether the cause passes by itself: a port that was just taken, or a killed server that is not quite gone. */
function mayPass(log: string): boolean {
  return /could not bind|could not create any TCP|shared memory block|is still in use|"postmaster.pid" already exists/.test(
    log,
  );
}

async function startOnce(options: ServerOptions, port: number): Promise<{ server: PostgresServer } | { log: string }> {
  const { binaries, launcher, cluster, logger } = options;
  const settings = [...defaultSettings, ...(options.settings ?? [])].flatMap((setting) => ['-c', setting]);
  const {
    file,
    args,
    options: user,
  } = launcher.command(binaries.postgres, [...['-D', cluster.dir, '-p', String(port)], ...settings]);
  const child = spawn(file, args, {
    ...user,
    cwd: '/',
    env: programEnv(),
    stdio: ['ignore', 'ignore', 'pipe'],
    // A session of its own: Ctrl-C in a terminal must reach us and not the database, which is needed until the end.
    detached: true,
  });
  const log = forwardLog(child.stderr, logger);
  let exited = false;
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => {
      exited = true;
      resolve(error.message);
    });
    child.once('close', () => {
      exited = true;
      resolve(log.tail());
    });
  });
  const hasEnded = (): boolean => exited;
  const { pid } = child;
  if (pid === undefined) return { log: await ended };
  const server = {
    pid,
    port,
    ended,
    stop: async () => {
      await stopPostmaster(pid, () => Promise.resolve(!exited));
      await ended;
    },
    unref: () => {
      child.unref();
      // The pipe is a socket; on its own it would keep this process alive.
      if (child.stderr instanceof Socket) child.stderr.unref();
    },
  };
  const url = databaseUrl(cluster, port, 'postgres');
  const ready = await waitUntil(async () => hasEnded() || (await answers(url)), READY_TIMEOUT_MS);
  if (hasEnded()) return { log: await ended };
  if (ready) {
    log.started();
    return { server };
  }
  await server.stop();
  return { log: `no answer within ${String(READY_TIMEOUT_MS / 1000)} s. ${log.tail()}` };
}

export function databaseUrl(cluster: Cluster, port: number, database: string): string {
  return `postgres://${DATABASE_USER}:${cluster.password}@${HOST}:${String(port)}/${database}`;
}

/** Runs something on a connection of its own. */
export async function withClient<T>(url: string, use: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({
    connectionString: url,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: READY_TIMEOUT_MS,
  });
  // Without a listener the loss of an idle connection would end the process; the next query reports it.
  client.on('error', () => undefined);
  try {
    await client.connect();
    return await use(client);
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** Makes the database unless it is there. */
export async function ensureDatabase(cluster: Cluster, port: number, name: string): Promise<string> {
  await withClient(databaseUrl(cluster, port, 'postgres'), async (client) => {
    const { rowCount } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [name]);
    if (rowCount === 0) await client.query(`CREATE DATABASE ${client.escapeIdentifier(name)}`);
  });
  return databaseUrl(cluster, port, name);
}

async function answers(url: string): Promise<boolean> {
  try {
    await withClient(url, (client) => client.query('SELECT 1'));
    return true;
  } catch {
    return false;
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, HOST, () => {
      const address = server.address();
      server.close(() => {
        if (address !== null && typeof address === 'object') resolve(address.port);
        else reject(new Error('The system gave no free port.'));
      });
    });
  });
}
