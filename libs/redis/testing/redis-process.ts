import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { freePort } from '#testing';

const START_DEADLINE_MS = 20_000;
const STOP_DEADLINE_MS = 10_000;
const PORT_TRIES = 5;

/** One run of `redis-server`. */
export class RedisProcess {
  private constructor(private readonly child: ChildProcess) {}

  /** Resolves when it takes connections. @throws Error with what it said when it does not start */
  static async start(args: readonly string[]): Promise<RedisProcess> {
    const child = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'pipe'] });
    const started = new RedisProcess(child);
    const endWithUs = () => child.kill('SIGKILL');
    process.once('exit', endWithUs);
    child.once('exit', () => process.off('exit', endWithUs));
    let output = '';
    await new Promise<void>((resolve, reject) => {
      const fail = (why: string) => reject(new Error(`redis-server ${why}: ${output.slice(-2_000)}`));
      const timer = setTimeout(() => fail('did not start in time'), START_DEADLINE_MS);
      const hear = (chunk: Buffer) => {
        output = (output + chunk.toString()).slice(-10_000);
        if (!/Ready to accept connections|\+monitor master/.test(output)) return;
        clearTimeout(timer);
        resolve();
      };
      child.stdout.on('data', hear);
      child.stderr.on('data', hear);
      child.once('error', (error) => {
        clearTimeout(timer);
        fail(`cannot run (${error.message})`);
      });
      child.once('exit', () => {
        clearTimeout(timer);
        fail('ended');
      });
    }).catch(async (error: unknown) => {
      await started.end('SIGKILL');
      throw error;
    });
    return started;
  }

  get running(): boolean {
    return this.child.pid !== undefined && this.child.exitCode === null && this.child.signalCode === null;
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** Resolves when the process has gone. */
  async end(signal: NodeJS.Signals): Promise<void> {
    if (!this.running) return;
    const gone = once(this.child, 'exit');
    this.child.kill(signal);
    const timer = setTimeout(() => this.child.kill('SIGKILL'), STOP_DEADLINE_MS);
    await gone;
    clearTimeout(timer);
  }
}

/** Starts something on a free port; another process may take the port first, then another port is tried. */
export async function onFreePort<T>(start: (port: number) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await start(await freePort());
    } catch (error) {
      if (attempt === PORT_TRIES) throw error;
    }
  }
}
