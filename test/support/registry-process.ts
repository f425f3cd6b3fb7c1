import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { z } from 'zod';
import { root } from './mesh-process.js';

const START_DEADLINE_MS = 30_000;

const readySchema = z.object({ registry: z.string() });

/** An engine registry in a process of its own, which comes back at the address that it had. */
export class RegistryProcess {
  private child: ChildProcess | undefined;
  private boundTo = '';

  static async start(): Promise<RegistryProcess> {
    const registry = new RegistryProcess();
    await registry.run('0');
    return registry;
  }

  /** host:port */
  get address(): string {
    return this.boundTo;
  }

  /** As a power cut would. */
  async kill(): Promise<void> {
    const child = this.child;
    if (!child) return;
    this.child = undefined;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }

  async restart(): Promise<void> {
    await this.kill();
    await this.run(this.boundTo.split(':')[1] ?? '');
  }

  private async run(port: string): Promise<void> {
    this.child = spawn(process.execPath, [join(root, 'dist/apps/engine-registry/main.js')], {
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      env: { PATH: process.env['PATH'], ENGINE_REGISTRY_PORT: port, LOG_LEVEL: 'silent' },
    });
    const signal = AbortSignal.timeout(START_DEADLINE_MS);
    const messages: unknown[] = await once(this.child, 'message', { signal });
    this.boundTo = readySchema.parse(messages[0]).registry;
  }
}
