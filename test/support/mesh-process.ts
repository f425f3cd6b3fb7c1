import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Root of the checkout: tests run from dist/test/. */
export const root = fileURLToPath(new URL('../../../', import.meta.url));

const START_DEADLINE_MS = 150_000;

interface Ready {
  readonly http: string;
  readonly grpc: string;
}

/** The all-in-one mesh as a process of its own, on free ports, as `npm start` runs it. */
export class MeshProcess {
  private constructor(
    private readonly child: ChildProcess,
    readonly http: string,
    readonly grpc: string,
    private readonly log: () => string,
  ) {}

  /** @throws Error with what the process wrote to standard error when it ends instead of getting ready */
  static async start(dataDir: string, env: Record<string, string> = {}): Promise<MeshProcess> {
    const child = spawn(process.execPath, [join(root, 'dist/apps/all-in-one/main.js')], {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      env: {
        PATH: process.env['PATH'],
        DATA_DIR: dataDir,
        PORT: '0',
        GRPC_PORT: '0',
        ENGINE_REGISTRY_PORT: '0',
        LOCAL_MODEL: 'tiny',
        LOG_LEVEL: 'warn',
        ...env,
      },
    });
    let errors = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (errors += text));
    const ready = await new Promise<Ready>((resolve, reject) => {
      const deadline = setTimeout(() => reject(new Error(`not ready in time: ${errors}`)), START_DEADLINE_MS);
      child.on('message', (message) => resolve(message as Ready));
      child.once('close', () => reject(new Error(errors.trim())));
      child.once('close', () => clearTimeout(deadline));
      child.once('message', () => clearTimeout(deadline));
    });
    return new MeshProcess(child, ready.http, ready.grpc, () => errors);
  }

  get pid(): number {
    if (this.child.pid === undefined) throw new Error('the mesh has no process');
    return this.child.pid;
  }

  /** What the mesh wrote to its log so far. */
  get logged(): string {
    return this.log();
  }

  /** Asks it to stop and waits. @returns the exit code */
  async stop(): Promise<number | null> {
    return this.end('SIGTERM');
  }

  /** As a power cut would. */
  async kill(): Promise<void> {
    await this.end('SIGKILL');
  }

  private async end(signal: NodeJS.Signals): Promise<number | null> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const ended = once(this.child, 'exit');
      this.child.kill(signal);
      await ended;
    }
    return this.child.exitCode;
  }
}

/** A folder for one test file's data, and its removal. */
export async function temporaryDataDir(): Promise<{ path: string; remove: () => Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'polyscribe-test-'));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

/** A file of samples/. */
export function sample(name: string): string {
  return join(root, 'samples', name);
}
