import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { root } from '../../test/support/mesh-process.js';

const READY_DEADLINE_MS = 60_000;
const STOP_DEADLINE_MS = 30_000;

/** What a process says when it serves; ours say more, the bare ones may say only where they are reached. */
export interface Ready {
  readonly http?: string;
  readonly grpc?: string;
  readonly registry?: string;
}

/** What this process leaves behind when it ends in the middle of something. */
const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** A process of the measurement: one of the product, or a bare thing that it is held against. */
export class BenchProcess {
  private constructor(
    private readonly child: ChildProcess,
    readonly ready: Ready,
  ) {}

  /**
   * Starts it and waits until it serves. Whoever starts it stops it.
   *
   * @param main its main file below dist/
   * @throws Error with what it said when it ends instead
   */
  static async start(main: string, env: Readonly<Record<string, string>>): Promise<BenchProcess> {
    const child = spawn(process.execPath, ['--no-warnings', join(root, 'dist', main)], {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      env: { PATH: process.env['PATH'], NODE_ENV: 'production', LOG_LEVEL: 'error', ...env },
    });
    running.add(child);
    child.once('exit', () => running.delete(child));
    let said = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-4_000);
    });
    const ready = await new Promise<Ready>((resolve, reject) => {
      const fail = (why: string) => {
        child.kill('SIGKILL');
        reject(new Error(`${main} ${why}: ${said}`));
      };
      const onExit = () => {
        clearTimeout(timer);
        fail('ended');
      };
      const timer = setTimeout(() => fail('was not ready in time'), READY_DEADLINE_MS);
      child.once('message', (message) => {
        clearTimeout(timer);
        child.off('exit', onExit);
        resolve(message as Ready);
      });
      child.once('exit', onExit);
    });
    return new BenchProcess(child, ready);
  }

  get pid(): number {
    if (this.child.pid === undefined) throw new Error('The process has no id.');
    return this.child.pid;
  }

  get http(): string {
    if (this.ready.http === undefined) throw new Error('The process serves no HTTP.');
    return this.ready.http;
  }

  /** Asks the process something over the channel between them; one question at a time. */
  async ask<Answer>(question: Readonly<Record<string, unknown>>, deadlineMs: number): Promise<Answer> {
    const answered = once(this.child, 'message', { signal: AbortSignal.timeout(deadlineMs) });
    this.child.send(question);
    const [answer] = (await answered) as [Answer];
    return answer;
  }

  /** Ends it as a crash would. */
  async kill(): Promise<void> {
    const ended = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await ended;
  }

  async stop(): Promise<void> {
    const { child } = this;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_DEADLINE_MS);
    await ended;
    clearTimeout(timer);
  }
}
