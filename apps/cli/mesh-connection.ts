import { type ChildProcess, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { loadConfig } from '#config';
import { dataDirOwner } from '#embedded-postgres';
import { ApiClient } from './api-client.js';
import { CliError, MeshUnreachableError } from './cli-error.js';

/** How long a mesh may take from its start to being ready, the first making of the database included. */
const START_DEADLINE_MS = 60_000;
/** How often a folder that another process has is looked at: a look costs little, a start that comes to nothing seconds. */
const LOOK_AGAIN_MS = 250;
/** How long it may take to stop; then it is killed. It loses nothing by that. */
const STOP_DEADLINE_MS = 35_000;
/** What is kept of its standard error to say why it did not start. */
const MAX_ERROR_CHARS = 4_000;

const meshFileSchema = z.object({ http: z.string() });
const readySchema = z.object({ type: z.literal('ready'), http: z.string() });

/** A mesh to talk to: one that runs already, or one that we started and stop again. */
export interface MeshConnection {
  readonly api: ApiClient;
  close(): Promise<void>;
}

/**
 * Finds a mesh or starts one.
 *
 * Looked for in turn: the URL given, the mesh that announced itself in DATA_DIR, the one at HOST:PORT. What we start is
 * a child process on free ports that also stops by itself when we die.
 *
 * @throws CliError when the URL given does not answer or the mesh does not start, MeshUnreachableError when somebody kills it
 *   meanwhile; the signal's reason when it is given up
 */
export async function connect(
  server: string | undefined,
  say: (message: string) => void,
  signal: AbortSignal | undefined,
): Promise<MeshConnection> {
  if (server !== undefined) {
    const api = new ApiClient(server.replace(/\/+$/, ''));
    if (await api.isAlive()) return { api, close: () => Promise.resolve() };
    throw new CliError(`No mesh answers at ${server}.`);
  }
  const deadline = performance.now() + START_DEADLINE_MS;
  for (;;) {
    const found = await otherMesh(deadline, say, signal);
    if (found) return { api: found, close: () => Promise.resolve() };
    say('starting an embedded mesh ...');
    try {
      return await startMesh(signal);
    } catch (error) {
      // Another run of this command was faster.
      const isHeld = error instanceof CliError && /^DATA_DIR .* is in use by /.test(error.message);
      if (!isHeld || performance.now() > deadline) throw error;
    }
    await delay(LOOK_AGAIN_MS);
  }
}

/**
 * The mesh that runs already. Looked for as long as a process has the folder: it may be about to serve, or to stop.
 *
 * @returns undefined when nobody has the folder, or for too long without serving
 */
async function otherMesh(
  deadline: number,
  say: (message: string) => void,
  signal: AbortSignal | undefined,
): Promise<ApiClient | undefined> {
  const { dataDir, databaseUrl } = loadConfig();
  for (let looks = 0; ; looks++) {
    const found = await findRunningMesh();
    signal?.throwIfAborted();
    if (found) return found;
    const owner = databaseUrl === undefined ? await dataDirOwner(dataDir) : undefined;
    if (owner === undefined || performance.now() > deadline) return undefined;
    // It may never do either: the user knows what to stop.
    if (looks === 0) say(`DATA_DIR ${dataDir} is in use by process ${owner}; waiting for its mesh ...`);
    await delay(LOOK_AGAIN_MS);
  }
}

async function findRunningMesh(): Promise<ApiClient | undefined> {
  const { dataDir, http } = loadConfig();
  const announced = await readFile(join(dataDir, 'mesh.json'), 'utf8').catch(() => undefined);
  const parsed = meshFileSchema.safeParse(announced === undefined ? undefined : parseJson(announced));
  const urls = [...(parsed.success ? [parsed.data.http] : []), urlOf(http.host, http.port)];
  for (const url of urls) {
    const api = new ApiClient(url);
    if (await api.isAlive()) return api;
  }
  return undefined;
}

/** Where a server bound like that is reached; one bound to every address is found on this machine's own. */
function urlOf(host: string, port: number): string {
  if (host === '0.0.0.0' || host === '::') return `http://127.0.0.1:${port}`;
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Half written by a process that died: the same as no file.
    return undefined;
  }
}

async function startMesh(signal: AbortSignal | undefined): Promise<MeshConnection> {
  signal?.throwIfAborted();
  const main = fileURLToPath(new URL('../all-in-one/main.js', import.meta.url));
  const child = spawn(process.execPath, [main], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    env: {
      ...process.env,
      PORT: '0',
      GRPC_PORT: '0',
      ENGINE_REGISTRY_PORT: '0',
      LOG_LEVEL: process.env['LOG_LEVEL'] ?? 'error',
    },
    // A Ctrl-C goes to the whole process group of the terminal; the mesh is stopped by us, after the job is cancelled.
    detached: true,
  });
  try {
    return { api: new ApiClient(await readyUrl(child, signal)), close: () => stop(child) };
  } catch (error) {
    await stop(child);
    throw error;
  }
}

function readyUrl(child: ChildProcess, signal: AbortSignal | undefined): Promise<string> {
  let errors = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (errors = (errors + text).slice(-MAX_ERROR_CHARS)));
  return new Promise((resolve, reject) => {
    const giveUp = (): void => reject(signal?.reason as Error);
    const deadline = setTimeout(() => reject(new CliError('The mesh did not start in time.')), START_DEADLINE_MS);
    const settle = (): void => {
      clearTimeout(deadline);
      signal?.removeEventListener('abort', giveUp);
    };
    signal?.addEventListener('abort', giveUp);
    child.on('message', (message) => {
      const ready = readySchema.safeParse(message);
      if (!ready.success) return;
      settle();
      resolve(ready.data.http);
    });
    child.once('error', reject);
    child.once('close', (code, killedBy) => {
      settle();
      if (killedBy !== null) reject(new MeshUnreachableError(`It was ended by ${killedBy} while starting.`));
      const said = lastLine(errors);
      reject(new CliError(said === '' ? `The mesh ended with exit code ${code ?? 'none'} while starting.` : said));
    });
  });
}

function lastLine(text: string): string {
  return (text.trim().split('\n').at(-1) ?? '').replace(/^polyscribe: /, '');
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const deadline = setTimeout(() => child.kill('SIGKILL'), STOP_DEADLINE_MS);
  await ended;
  clearTimeout(deadline);
}
