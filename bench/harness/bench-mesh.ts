import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually, freePort } from '#testing';
import { OwnServer } from '../../libs/embedded-postgres/testing.js';
import { TestRedis } from '../../libs/redis/testing.js';
import { BenchProcess } from './bench-process.js';
import { cpuMeter } from './process-usage.js';

export interface BenchMeshOptions {
  /** Main files below dist/ of the engines, each with its environment. */
  readonly engines: readonly { readonly main: string; readonly env?: Readonly<Record<string, string>> }[];
  readonly workers: number;
  readonly gateways: number;
  /** Queue, events and status cache on Redis instead of PostgreSQL. */
  readonly redis: boolean;
  /** Further variables of gateways and workers. */
  readonly env?: Readonly<Record<string, string>>;
}

const KNOWN_DEADLINE_MS = 30_000;

/**
 * The mesh, every service a process of its own, on a PostgreSQL server that flushes to the disk as in production, with
 * objects as files.
 */
export class BenchMesh {
  /** Servers that the processes stand on, and the folder: given up one after the other. */
  private readonly stops: (() => Promise<void>)[] = [];
  private readonly processes: BenchProcess[] = [];
  /** What all processes of the mesh are given. */
  private shared: Readonly<Record<string, string>> = {};
  readonly engines: BenchProcess[] = [];
  readonly workers: BenchProcess[] = [];
  readonly gateways: BenchProcess[] = [];
  databaseUrl = '';
  redisUrl: string | undefined;
  folder = '';
  /** host:port of the registry. */
  registryAddress = '';

  /** Whoever starts it closes it; nothing runs before. */
  static async start(options: BenchMeshOptions): Promise<BenchMesh> {
    const mesh = new BenchMesh();
    try {
      await mesh.startAll(options);
      return mesh;
    } catch (error) {
      await mesh.close();
      throw error;
    }
  }

  get http(): string {
    return this.gateways[0]?.http ?? '';
  }

  /** Counts the processor time of workers and engines, of gateways, or of all. */
  meter(of: 'work' | 'gateways'): () => number {
    const processes = of === 'work' ? [...this.workers, ...this.engines] : this.gateways;
    return cpuMeter(processes.map(({ pid }) => pid));
  }

  /** One engine more; resolves when the gateway knows of it. */
  async addEngine(main: string, env: Readonly<Record<string, string>> = {}): Promise<BenchProcess> {
    const before = new Set(await this.knownInstances());
    const engine = await this.run(main, { ...this.shared, ...env });
    this.engines.push(engine);
    const isKnown = async () => (await this.knownInstances()).some((id) => !before.has(id));
    await eventually('the engine to be known', isKnown, KNOWN_DEADLINE_MS);
    return engine;
  }

  /** One worker more. */
  async addWorker(): Promise<BenchProcess> {
    const worker = await this.run('apps/worker/main.js', this.shared);
    this.workers.push(worker);
    return worker;
  }

  async close(): Promise<void> {
    await Promise.all(this.processes.map((each) => each.stop()));
    for (const stop of this.stops.toReversed()) await stop();
  }

  private async startAll({ engines, workers, gateways, redis, env }: BenchMeshOptions): Promise<void> {
    this.folder = await mkdtemp(join(tmpdir(), 'polyscribe-bench-'));
    this.stops.push(() => rm(this.folder, { recursive: true, force: true }));
    const registryPort = String(await freePort());
    this.registryAddress = `127.0.0.1:${registryPort}`;
    await allOf<unknown>([
      this.startServers(redis),
      this.run('apps/engine-registry/main.js', { ENGINE_REGISTRY_PORT: registryPort }),
    ]);
    this.shared = {
      DATA_DIR: this.folder,
      DATABASE_URL: this.databaseUrl,
      ENGINE_REGISTRY_URL: this.registryAddress,
      PORT: '0',
      GRPC_PORT: '0',
      ...(this.redisUrl === undefined ? {} : { REDIS_URL: this.redisUrl }),
      ...env,
    };
    const started = [
      ...engines.map(({ main, env: own }) => this.run(main, { ...this.shared, ...own })),
      ...Array.from({ length: gateways }, () => this.run('apps/gateway/main.js', this.shared)),
      ...Array.from({ length: workers }, () => this.run('apps/worker/main.js', this.shared)),
    ];
    const processes = await allOf(started);
    this.engines.push(...processes.splice(0, engines.length));
    this.gateways.push(...processes.splice(0, gateways));
    this.workers.push(...processes);
    if (gateways === 0) return;
    const areKnown = async () => (await this.knownInstances()).length === engines.length;
    await eventually('the engines to be known', areKnown, KNOWN_DEADLINE_MS);
  }

  private async startServers(redis: boolean): Promise<void> {
    const postgres = await OwnServer.start({ flushes: true });
    this.stops.push(() => postgres.close());
    this.databaseUrl = postgres.url;
    if (!redis) return;
    const server = await TestRedis.start();
    this.stops.push(() => server.close());
    this.redisUrl = server.url;
  }

  private async run(main: string, env: Readonly<Record<string, string>>): Promise<BenchProcess> {
    const started = await BenchProcess.start(main, env);
    this.processes.push(started);
    return started;
  }

  /** The ids of the engine instances that the gateway knows. */
  private async knownInstances(): Promise<string[]> {
    const signal = AbortSignal.timeout(KNOWN_DEADLINE_MS);
    const response = await fetch(`${this.http}/api/transcribe/jobs/engines`, { signal });
    const body = (await response.json()) as { engines: Record<string, { instances: { id: string }[] }> };
    return Object.values(body.engines).flatMap(({ instances }) => instances.map(({ id }) => id));
  }
}

/** What all of them give. One that fails is told once the others are there, so that whoever closes up knows of them. */
async function allOf<T>(starting: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(starting);
  return Promise.all(starting);
}
