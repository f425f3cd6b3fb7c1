import { ChannelCredentials, type ChannelCredentials as Credentials } from '@grpc/grpc-js';
import { type Channel, Status, createChannel } from 'nice-grpc';
import { healthV1 } from '#protos';
import { createLogger } from '#telemetry';
import { type DevCertificates, makeDevCertificates } from '#testing';
import { createGrpcChannel, createGrpcClient } from './channel.js';
import { GrpcServer } from './grpc-server.js';
import type { GrpcTls } from './tls.js';

describe('mutual TLS', () => {
  let ours: DevCertificates;
  let others: DevCertificates;
  let server: GrpcServer;
  let address: string;

  beforeAll(async () => {
    [ours, others] = await Promise.all([makeDevCertificates(), makeDevCertificates()]);
    server = new GrpcServer({ logger: createLogger('test', 'silent'), tls: ours.tls });
    address = await server.listen('127.0.0.1', 0);
  });

  afterAll(async () => {
    await server.stop(0);
    await Promise.all([ours.dispose(), others.dispose()]);
  });

  async function checkOver(channel: Channel): Promise<unknown> {
    const client = createGrpcClient(healthV1.HealthDefinition, channel, { unaryDeadlineMs: 5_000 });
    try {
      return await client.check({ service: '' });
    } finally {
      channel.close();
    }
  }

  it('serves who shows a certificate of the authority', async () => {
    await expect(checkOver(createGrpcChannel(address, { tls: ours.tls }))).resolves.toMatchObject({ status: 1 });
    const byName = address.replace('127.0.0.1', 'localhost');
    await expect(checkOver(createGrpcChannel(byName, { tls: ours.tls }))).resolves.toMatchObject({ status: 1 });
  });

  const unavailable = { code: Status.UNAVAILABLE };

  it('does not serve who speaks in the clear', async () => {
    await expect(checkOver(createGrpcChannel(address))).rejects.toMatchObject(unavailable);
  });

  it.each<[string, () => Credentials]>([
    ['no certificate', () => ChannelCredentials.createSsl(ours.tls.authority)],
    [
      'a certificate of another authority',
      () => ChannelCredentials.createSsl(ours.tls.authority, others.tls.privateKey, others.tls.certificate),
    ],
  ])('does not serve who shows %s', async (_title, credentials) => {
    await expect(checkOver(createChannel(address, credentials()))).rejects.toMatchObject(unavailable);
  });

  it('does not call who shows a certificate of another authority, and says why', async () => {
    const tls: GrpcTls = { ...ours.tls, authority: others.tls.authority };
    await expect(checkOver(createGrpcChannel(address, { tls }))).rejects.toMatchObject({
      ...unavailable,
      details: expect.stringContaining('certificate') as string,
    });
  });

  it('does not call a server that speaks in the clear', async () => {
    const plain = new GrpcServer({ logger: createLogger('test', 'silent') });
    const plainAddress = await plain.listen('127.0.0.1', 0);
    try {
      await expect(checkOver(createGrpcChannel(plainAddress, { tls: ours.tls }))).rejects.toMatchObject(unavailable);
    } finally {
      await plain.stop(0);
    }
  });
});
