import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '#testing';
import { root } from './mesh-process.js';

const START_DEADLINE_MS = 60_000;

/** Made by the set-up of the tests from the server's pinned requirements. */
const python = join(root, '.setup/whisperx-server/bin/python');

/** The Python server as a process of its own, with scripted models: it hears scripted speech. */
export class WhisperxServer {
  private constructor(
    private readonly child: ChildProcess,
    readonly url: string,
  ) {}

  /** @throws Error with what the process wrote when it ends instead of listening */
  static async start(port = 0, env: Readonly<Record<string, string>> = {}): Promise<WhisperxServer> {
    if (!existsSync(python)) throw new Error('npm test makes the Python environment that this needs');
    const child = spawn(python, ['-m', 'whisperx_server', '--stages', 'scripted', '--port', String(port)], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { PATH: process.env['PATH'], PYTHONPATH: join(root, 'apps/whisperx-server/src'), DEVICE: 'cpu', ...env },
    });
    const url = await listening(child);
    await eventually('the GPU process to be up', async () => (await fetch(`${url}/ready`)).ok, START_DEADLINE_MS);
    return new WhisperxServer(child, url);
  }

  get port(): number {
    return Number(new URL(this.url).port);
  }

  /** As a crash of the machine would end it. */
  async kill(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await ended;
    // Its GPU process notices by itself, a little later, and holds this end open until then.
    this.child.stderr?.destroy();
  }
}

function listening(child: ChildProcess): Promise<string> {
  let log = '';
  return new Promise((resolve, reject) => {
    const deadline = setTimeout(() => reject(new Error(`not listening in time: ${log}`)), START_DEADLINE_MS);
    child.once('close', () => reject(new Error(`ended: ${log}`)));
    child.once('close', () => clearTimeout(deadline));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      log = (log + text).slice(-10_000);
      const url = /listening on (http:\/\/[\d.]+:\d+)/.exec(log)?.[1];
      if (url === undefined) return;
      clearTimeout(deadline);
      resolve(url);
    });
  });
}
