import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { GrpcServer } from '#grpc';
import { createLogger } from '#telemetry';
import { type DevCertificates, makeDevCertificates } from '#testing';

const main = fileURLToPath(new URL('./main.js', import.meta.url));
const logger = createLogger('test', 'silent');

/** Runs the command as a container would. */
async function healthCheck(
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<{ code: number; said: string }> {
  const child = spawn(process.execPath, ['--no-warnings', main, ...args], { env: { ...process.env, ...env } });
  const [said, [code]] = await Promise.all([text(child.stderr), once(child, 'exit') as Promise<[number]>]);
  return { code, said };
}

describe('the health check command', () => {
  const cleanUps: (() => Promise<unknown>)[] = [];

  afterEach(async () => {
    for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
  });

  async function serve(tls?: DevCertificates['tls']): Promise<{ server: GrpcServer; address: string }> {
    const server = new GrpcServer({ logger, tls });
    cleanUps.push(() => server.stop(0));
    return { server, address: await server.listen('127.0.0.1', 0) };
  }

  it('ends well when the server serves', async () => {
    const { address } = await serve();
    expect(await healthCheck([address])).toEqual({ code: 0, said: '' });
    expect(await healthCheck([address, 'grpc.health.v1.Health'])).toEqual({ code: 0, said: '' });
  });

  it('fails with one line when the server or the service does not', async () => {
    const { server, address } = await serve();
    const unknown = await healthCheck([address, 'nobody']);
    expect(unknown.code).toBe(1);
    server.health.setAllNotServing();
    expect(await healthCheck([address])).toEqual({
      code: 1,
      said: `polyscribe: The server at ${address} does not serve at the moment.\n`,
    });
  });

  it('fails when nobody listens, or nobody answers', async () => {
    const { server, address } = await serve();
    await server.stop(0);
    const silent = createServer((socket) => cleanUps.push(() => Promise.resolve(socket.destroy())));
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    cleanUps.push(() => new Promise((resolve) => silent.close(resolve)));
    const { port } = silent.address() as AddressInfo;
    const answers = await Promise.all([healthCheck([address]), healthCheck([`127.0.0.1:${String(port)}`])]);
    expect(answers.map(({ code }) => code)).toEqual([1, 1]);
  });

  it('shows its certificate where TLS is on', async () => {
    const certificates = await makeDevCertificates();
    cleanUps.push(() => certificates.dispose());
    const { address } = await serve(certificates.tls);
    expect(await healthCheck([address], certificates.env)).toEqual({ code: 0, said: '' });
    expect((await healthCheck([address])).code).toBe(1);
  });

  it('says how it is used', async () => {
    const { code, said } = await healthCheck([]);
    expect(code).toBe(1);
    expect(said).toContain('HOST:PORT');
  });
});
