import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

/** How often memory is looked at. */
const LOOK_MS = 50;

const mains = { gateway: '../main.js', worker: '../../worker/main.js' } as const;

/** A gateway or a worker in a process of its own, which can be killed and measured. */
export class ServiceProcess {
  private constructor(
    private readonly child: ChildProcess,
    private readonly metricsUrl: string,
    /** Of REST; empty for a worker. */
    readonly url: string,
    readonly grpcAddress: string,
  ) {}

  static async start(name: keyof typeof mains, environment: Readonly<Record<string, string>>): Promise<ServiceProcess> {
    const child = spawn(process.execPath, [fileURLToPath(new URL(mains[name], import.meta.url))], {
      env: { PATH: process.env['PATH'], PORT: '0', GRPC_PORT: '0', METRICS_PORT: '0', ...environment },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const { stderr } = child;
    for await (const line of createInterface(stderr)) {
      const entry = JSON.parse(line) as { msg: string; http?: string; grpc?: string; metricsPort?: number };
      if (entry.msg !== 'ready' || entry.metricsPort === undefined) continue;
      stderr.resume();
      const metricsUrl = `http://127.0.0.1:${entry.metricsPort}/metrics`;
      return new ServiceProcess(child, metricsUrl, entry.http ?? '', entry.grpc ?? '');
    }
    throw new Error(`The ${name} did not start.`);
  }

  /** As the kernel does it when memory runs out. */
  async kill(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exited = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await exited;
  }

  /** Asks it to stop. @returns its exit code, and the signal that ended it */
  async terminate(): Promise<unknown[]> {
    const exited = once(this.child, 'exit');
    this.child.kill('SIGTERM');
    return exited;
  }

  async residentBytes(): Promise<number> {
    const metrics = await (await fetch(this.metricsUrl)).text();
    return Number(/^process_resident_memory_bytes (\d+)/m.exec(metrics)?.[1]);
  }

  /** By how much it grows at most while the work is under way. */
  async growthDuring(work: () => Promise<void>): Promise<number> {
    const before = await this.residentBytes();
    let peak = before;
    const ended = new AbortController();
    const watching = (async () => {
      while (!ended.signal.aborted) {
        peak = Math.max(peak, await this.residentBytes());
        await delay(LOOK_MS);
      }
    })();
    try {
      await work();
    } finally {
      ended.abort();
      await watching;
    }
    return peak - before;
  }
}
