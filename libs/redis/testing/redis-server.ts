import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { redisOptions } from '../redis-options.js';
import type { TestCertificate } from './certificate.js';
import { onFreePort, RedisProcess } from './redis-process.js';

export interface TestRedisOptions {
  readonly password?: string;
  /** Takes TLS only. */
  readonly certificate?: TestCertificate;
  /** Keeps every write over a kill; without it a restart loses everything. */
  readonly persistent?: boolean;
  /** The port of the master that it copies, on this machine. */
  readonly replicaOf?: number;
  /** Further settings, such as `['--maxmemory-policy', 'allkeys-lru']`. */
  readonly settings?: readonly string[];
}

/** A real redis-server on a free port of this machine, in a folder of its own under the temporary folder. */
export class TestRedis {
  private constructor(
    readonly port: number,
    private readonly folder: string,
    private readonly options: TestRedisOptions,
    private process: RedisProcess,
  ) {}

  /** Whoever starts it closes it. */
  static async start(options: TestRedisOptions = {}): Promise<TestRedis> {
    const folder = await mkdtemp(join(tmpdir(), 'polyscribe-redis-'));
    try {
      return await onFreePort(async (port) => {
        return new TestRedis(port, folder, options, await RedisProcess.start(argumentsOf(port, folder, options)));
      });
    } catch (error) {
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
  }

  /** As `REDIS_URL` takes it. */
  get url(): string {
    const { password, certificate } = this.options;
    const login = password === undefined ? '' : `:${encodeURIComponent(password)}@`;
    return `${certificate ? 'rediss' : 'redis'}://${login}127.0.0.1:${String(this.port)}/0`;
  }

  /** Dies at once, as with `kill -9`. */
  async kill(): Promise<void> {
    await this.process.end('SIGKILL');
  }

  /** Ends in an orderly way. */
  async stop(): Promise<void> {
    await this.process.end('SIGTERM');
  }

  /** Runs again on the same port, with the same data where it is persistent. */
  async startAgain(): Promise<void> {
    this.process = await RedisProcess.start(argumentsOf(this.port, this.folder, this.options));
  }

  /** Keeps its connections and answers nothing, as behind a broken network, until `resume`. */
  pause(): void {
    this.process.signal('SIGSTOP');
  }

  resume(): void {
    this.process.signal('SIGCONT');
  }

  /** Loses everything that it holds. */
  async flush(): Promise<void> {
    await this.run((client) => client.flushall());
  }

  /** Asks it from outside of what is tested, over a connection of its own. */
  async run<T>(question: (client: Redis) => Promise<T>): Promise<T> {
    const client = new Redis(redisOptions(this.url));
    client.on('error', () => undefined);
    try {
      return await question(client);
    } finally {
      client.disconnect();
    }
  }

  async close(): Promise<void> {
    if (this.process.running) this.resume();
    await this.process.end('SIGKILL');
    await rm(this.folder, { recursive: true, force: true });
  }
}

function argumentsOf(port: number, folder: string, options: TestRedisOptions): string[] {
  const { password, certificate, persistent = false, replicaOf, settings = [] } = options;
  const tls = certificate && ['--tls-cert-file', certificate.certFile, '--tls-key-file', certificate.keyFile];
  return [
    ...['--bind', '127.0.0.1', '--dir', folder, '--save', '', '--appendonly', persistent ? 'yes' : 'no'],
    ...(persistent ? ['--appendfsync', 'always'] : []),
    ...(tls
      ? ['--port', '0', '--tls-port', String(port), ...tls, '--tls-auth-clients', 'no']
      : ['--port', String(port)]),
    ...(password === undefined ? [] : ['--requirepass', password, '--masterauth', password]),
    ...(replicaOf === undefined ? [] : ['--replicaof', '127.0.0.1', String(replicaOf)]),
    ...settings,
  ];
}
