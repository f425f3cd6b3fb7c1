import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { onFreePort, RedisProcess } from './redis-process.js';
import type { TestRedis } from './redis-server.js';

/** A Redis sentinel that watches one master and replaces it within seconds. */
export class TestSentinel {
  private constructor(
    /** host:port */
    readonly address: string,
    private readonly folder: string,
    private readonly process: RedisProcess,
  ) {}

  /** @param password of the master */
  static async start(master: TestRedis, masterName: string, password?: string): Promise<TestSentinel> {
    const folder = await mkdtemp(join(tmpdir(), 'polyscribe-sentinel-'));
    const file = join(folder, 'sentinel.conf');
    return onFreePort(async (port) => {
      const lines = [
        `port ${String(port)}`,
        'bind 127.0.0.1',
        `dir ${folder}`,
        `sentinel monitor ${masterName} 127.0.0.1 ${String(master.port)} 1`,
        `sentinel down-after-milliseconds ${masterName} 500`,
        `sentinel failover-timeout ${masterName} 2000`,
        ...(password === undefined ? [] : [`sentinel auth-pass ${masterName} ${password}`]),
      ];
      await writeFile(file, `${lines.join('\n')}\n`);
      const process = await RedisProcess.start([file, '--sentinel']);
      return new TestSentinel(`127.0.0.1:${String(port)}`, folder, process);
    });
  }

  /** Whether it could replace the master: it has heard of a replica. */
  async knowsReplica(masterName: string): Promise<boolean> {
    const [host, port] = this.address.split(':');
    const client = new Redis(Number(port), host ?? '');
    try {
      const replicas = await client.call('SENTINEL', 'REPLICAS', masterName);
      return Array.isArray(replicas) && replicas.length > 0;
    } finally {
      client.disconnect();
    }
  }

  async close(): Promise<void> {
    await this.process.end('SIGKILL');
    await rm(this.folder, { recursive: true, force: true });
  }
}
