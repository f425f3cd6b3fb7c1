import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { ReadyMessage } from '#service-host';
import { startEmptyDatabase, type TestDatabase } from '../libs/persistence/testing.js';
import { root } from './support/mesh-process.js';

const START_DEADLINE_MS = 60_000;

describe('a process that starts', () => {
  let taken: Server;
  let port: string;
  let folder: string;
  let database: TestDatabase;

  beforeAll(async () => {
    database = await startEmptyDatabase();
    folder = await mkdtemp(join(tmpdir(), 'polyscribe-start-'));
    taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    port = String((taken.address() as AddressInfo).port);
  });
  afterAll(async () => {
    taken.close();
    await database.stop();
    await rm(folder, { recursive: true, force: true });
  });

  function start(app: string, env: Readonly<Record<string, string>>): ChildProcess {
    return spawn(process.execPath, [join(root, `dist/apps/${app}/main.js`)], {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      env: {
        PATH: process.env['PATH'],
        DATA_DIR: folder,
        LOG_LEVEL: 'silent',
        DATABASE_URL: database.url,
        ...{ PORT: '0', GRPC_PORT: '0', ENGINE_REGISTRY_PORT: '0' },
        ...env,
      },
    });
  }

  async function failsToStart(app: string, env: Readonly<Record<string, string>>): Promise<[unknown, string]> {
    const child = start(app, env);
    if (!child.stderr) throw new Error('The process has no standard error.');
    const exit = once(child, 'exit') as Promise<[number | null]>;
    const [said, [code]] = await Promise.all([text(child.stderr), exit]);
    return [code, said];
  }

  const elsewhere = { ENGINE_REGISTRY_URL: '127.0.0.1:1' };
  it.each([
    ['gateway', 'PORT', elsewhere],
    ['gateway', 'GRPC_PORT', elsewhere],
    ['engine-registry', 'ENGINE_REGISTRY_PORT', {}],
    ['engine-registry', 'METRICS_PORT', {}],
  ] as const)(
    'says in one line that the port of the %s is taken, and names %s',
    async (app, variable, env) => {
      expect(await failsToStart(app, { ...env, [variable]: port })).toEqual([
        1,
        expect.stringMatching(`^polyscribe: Port ${port} on .* is taken.* ${variable} .*\n$`),
      ]);
    },
    START_DEADLINE_MS,
  );

  it.each(['gateway', 'engine-registry'])(
    'says that HOST is none of this machine: %s',
    async (app) => {
      // Of a range for documentation (RFC 5737): no machine has it.
      expect(await failsToStart(app, { ...(app === 'gateway' ? elsewhere : {}), HOST: '203.0.113.7' })).toEqual([
        1,
        expect.stringMatching(/^polyscribe: HOST .*\n$/),
      ]);
    },
    START_DEADLINE_MS,
  );

  it(
    'serves its metrics where METRICS_PORT says, and ends in order',
    async () => {
      const child = start('engine-registry', { METRICS_PORT: '0' });
      const exited = once(child, 'exit');
      child.stderr?.resume();
      const [ready] = (await once(child, 'message')) as [ReadyMessage];
      const told = await (await fetch(`http://127.0.0.1:${ready.metricsPort}/metrics`)).text();
      expect(told).toMatch(/^polyscribe_registry_watchers 0$/m);
      expect(told).toMatch(/^nodejs_eventloop_lag_seconds /m);
      child.kill('SIGTERM');
      expect(await exited).toEqual([0, null]);
    },
    START_DEADLINE_MS,
  );
});
