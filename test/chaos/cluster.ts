import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually, freePort } from '#testing';
import { BackingServices } from './backing-services.js';
import { SupervisedProcess } from './supervised-process.js';

export const processKinds = ['engine-registry', 'engine', 'worker', 'gateway'] as const;
export type ProcessKind = (typeof processKinds)[number];

export interface ClusterSize {
  readonly registries: number;
  readonly engines: number;
  readonly workers: number;
  readonly gateways: number;
  /** How long an engine works at a second of speech. */
  readonly workMsPerSecond: number;
  /** Calls that an engine serves at once; 4 by default. */
  readonly callsAtOnce?: number;
}

const mainOf: Readonly<Record<ProcessKind, string>> = {
  'engine-registry': 'apps/engine-registry/main.js',
  engine: 'libs/engine-testkit/main.js',
  worker: 'apps/worker/main.js',
  gateway: 'apps/gateway/main.js',
};

/**
 * The mesh as operators run it, every process and every server by itself on this machine, with the variables of the
 * compose file. Engines are scripted, so that each recording has one right transcript.
 */
export class Cluster {
  private readonly processes: { readonly kind: ProcessKind; readonly process: SupervisedProcess }[] = [];

  private constructor(
    readonly backing: BackingServices,
    private readonly folder: string,
  ) {}

  /** Whoever starts it closes it. */
  static async start(size: ClusterSize): Promise<Cluster> {
    const folder = await mkdtemp(join(tmpdir(), 'polyscribe-chaos-'));
    const backing = await BackingServices.start();
    const cluster = new Cluster(backing, folder);
    try {
      await cluster.startProcesses(size);
      return cluster;
    } catch (error) {
      const logs = cluster.logExcerpts();
      await cluster.close();
      throw new Error(`The cluster did not start.\n${logs}`, { cause: error });
    }
  }

  of(kind: ProcessKind): SupervisedProcess[] {
    return this.processes.filter((each) => each.kind === kind).map(({ process }) => process);
  }

  get gateways(): SupervisedProcess[] {
    return this.of('gateway');
  }

  /** Ends of processes that nobody asked for. */
  get crashes(): readonly string[] {
    return this.processes.flatMap(({ process }) => process.crashes);
  }

  async untilAllReady(): Promise<void> {
    await Promise.all(this.processes.map(({ process }) => process.untilReady()));
  }

  logExcerpts(): string {
    return this.processes.map(({ process }) => `--- ${process.name}\n${process.logExcerpt()}`).join('\n');
  }

  async close(): Promise<void> {
    for (const kind of processKinds.toReversed()) await Promise.all(this.of(kind).map((process) => process.stop()));
    await this.backing.close();
    await rm(this.folder, { recursive: true, force: true });
  }

  private async startProcesses(size: ClusterSize): Promise<void> {
    const registryPorts = await Promise.all(Array.from({ length: size.registries }, () => freePort()));
    const mesh = {
      HOST: '127.0.0.1',
      PORT: '0',
      GRPC_PORT: '0',
      ENGINE_REGISTRY_URL: registryPorts.map((port) => `127.0.0.1:${port}`).join(','),
    };
    for (const port of registryPorts) {
      await this.add('engine-registry', { HOST: '127.0.0.1', ENGINE_REGISTRY_PORT: String(port) });
    }
    const script = {
      SCRIPTED_WORK_MS: String(size.workMsPerSecond),
      SCRIPTED_CONCURRENCY: String(size.callsAtOnce ?? 4),
    };
    for (let count = 0; count < size.engines; count += 1) await this.add('engine', { ...mesh, ...script });
    for (let count = 0; count < size.workers; count += 1) await this.add('worker', { ...mesh, ...this.backing.env });
    for (let count = 0; count < size.gateways; count += 1) await this.add('gateway', { ...mesh, ...this.backing.env });
    await this.untilAllReady();
    await eventually('the engines to be known', () => this.knowsEngines(size.engines), 60_000);
  }

  private async add(kind: ProcessKind, env: Record<string, string>): Promise<void> {
    const name = `${kind}-${this.of(kind).length + 1}`;
    const dataDir = join(this.folder, name);
    await mkdir(dataDir);
    const process = SupervisedProcess.start({
      name,
      main: mainOf[kind],
      env: { ...env, DATA_DIR: dataDir, LOG_LEVEL: 'info' },
      logFile: join(this.folder, `${name}.log`),
    });
    this.processes.push({ kind, process });
  }

  private async knowsEngines(count: number): Promise<boolean> {
    const known = await Promise.all(
      this.gateways.map(async ({ http }) => {
        const response = await fetch(`${http}/api/transcribe/jobs/engines`);
        const body = (await response.json()) as { engines: { local: { instances: unknown[] } } };
        return body.engines.local.instances.length;
      }),
    );
    return known.every((instances) => instances === count);
  }
}
