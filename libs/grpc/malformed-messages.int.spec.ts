import { Client, credentials, type StatusObject, status } from '@grpc/grpc-js';
import { createLogger } from '#telemetry';
import { GrpcServer } from './grpc-server.js';

describe('a message that cannot be read', () => {
  const server = new GrpcServer({ logger: createLogger('test', 'silent') });
  let client: Client;

  beforeAll(async () => {
    client = new Client(await server.listen('127.0.0.1', 0), credentials.createInsecure());
  });
  afterAll(async () => {
    client.close();
    await server.stop(0);
  });

  function call(method: string, bytes: Buffer): Promise<StatusObject> {
    const same = (message: Buffer): Buffer => message;
    const sent = client.makeBidiStreamRequest(method, same, same, { deadline: Date.now() + 20_000 });
    sent.on('data', () => undefined).on('error', () => undefined);
    sent.end(bytes);
    return new Promise((resolve) => sent.once('status', resolve));
  }

  it.each(['/grpc.health.v1.Health/Check', '/grpc.health.v1.Health/Watch'])(
    'is the mistake of who sent it to %s',
    async (method) => {
      const { code, details } = await call(method, Buffer.from([0xff]));
      expect([code, details]).toEqual([
        status.INVALID_ARGUMENT,
        'A message of this call cannot be read; check it against the protos.',
      ]);
    },
  );

  it('does not keep the server from serving', async () => {
    expect((await call('/grpc.health.v1.Health/Check', Buffer.alloc(0))).code).toBe(status.OK);
  });
});
