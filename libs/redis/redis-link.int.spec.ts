import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { promisify } from 'node:util';
import { createLogger } from '#telemetry';
import { eventually } from '#testing';
import { RedisLink } from './redis-link.js';
import { RedisSubscriber } from './redis-subscriber.js';
import { makeCertificate, TestRedis, TestSentinel } from './testing.js';

const silent = createLogger('test', 'silent');
const unavailable = { code: 'dependency_unavailable' };
let opened: { close(): Promise<void> | void }[] = [];

function toClose<T extends { close(): Promise<void> | void }>(thing: T): T {
  opened.push(thing);
  return thing;
}

function linkTo(url: string, logger = silent): RedisLink {
  return toClose(new RedisLink({ url, purpose: 'test', logger }));
}

function ping(link: RedisLink): Promise<string> {
  return link.ask((client) => client.ping());
}

/** A logger and what it wrote. */
function recordingLogger(): { logger: typeof silent; lines: string[] } {
  const lines: string[] = [];
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(chunk.toString());
      done();
    },
  });
  return { logger: createLogger('test', 'debug', sink), lines };
}

afterEach(async () => {
  for (const thing of opened.reverse()) await thing.close();
  opened = [];
});

describe('RedisLink', () => {
  it('asks the server, with a password and in the database that the URL names', async () => {
    const server = toClose(await TestRedis.start({ password: 'open sesame: a/b@c' }));
    const link = linkTo(server.url.replace(/0$/, '5'));
    await link.ask((client) => client.set('here', '1'));
    expect(
      await server.run(async (client) => [
        await client.exists('here'),
        await client.select(5),
        await client.exists('here'),
      ]),
    ).toEqual([0, 'OK', 1]);
  });

  it('answers dependency_unavailable soon when there is no server, and works once there is one', async () => {
    const server = toClose(await TestRedis.start());
    await server.kill();
    const link = linkTo(server.url);
    const asked = Date.now();
    await expect(ping(link)).rejects.toMatchObject(unavailable);
    expect(Date.now() - asked).toBeLessThan(5_000);
    await server.startAgain();
    await eventually('an answer', () => ping(link).catch(() => undefined));
  });

  it('answers dependency_unavailable soon when the server is silent', async () => {
    const server = toClose(await TestRedis.start());
    const link = linkTo(server.url);
    await ping(link);
    server.pause();
    const asked = Date.now();
    await expect(ping(link)).rejects.toMatchObject(unavailable);
    expect(Date.now() - asked).toBeLessThan(5_000);
    server.resume();
    await eventually('an answer', () => ping(link).catch(() => undefined));
  });

  it('does without an optional answer, and asks a sick server seldom', async () => {
    const server = toClose(await TestRedis.start());
    const link = linkTo(server.url);
    expect(await link.tryToAsk((client) => client.ping(), 1_000)).toBe('PONG');
    server.pause();
    const asked = Date.now();
    for (let call = 0; call < 50; call += 1) {
      expect(await link.tryToAsk((client) => client.ping(), 100)).toBeUndefined();
    }
    expect(Date.now() - asked).toBeLessThan(3_000);
    server.resume();
    await eventually('an answer', () => link.tryToAsk((client) => client.ping(), 1_000));
  });

  it('logs an outage once, and neither passwords nor what commands carried', async () => {
    const server = toClose(await TestRedis.start({ password: 'right' }));
    const { logger, lines } = recordingLogger();
    const wrong = linkTo(server.url.replace('right', 'hunter2'), logger);
    await expect(ping(wrong)).rejects.toMatchObject(unavailable);
    const link = linkTo(server.url, logger);
    const refused = link.ask(async (client) => {
      await client.set('text', 'what the patient said');
      return client.lpush('text', 'what the patient said');
    });
    await expect(refused).rejects.toMatchObject({
      name: 'RedisRefusal',
      message: expect.not.stringMatching('patient') as unknown,
    });
    await server.kill();
    await link.tryToAsk((client) => client.set('text', 'what the patient said'), 500);
    const count = (text: string) => lines.filter((line) => line.includes(text)).length;
    await eventually('both outages, and more attempts', () => count('still trying') > 1 && count('still away') > 4);
    expect(lines.join('')).not.toMatch(/hunter2|right|patient/);
    expect(count('still trying')).toBe(2);
  });

  it('answers dependency_unavailable after it was closed', async () => {
    const server = toClose(await TestRedis.start());
    const link = linkTo(server.url);
    await ping(link);
    await link.close();
    await link.close();
    await expect(ping(link)).rejects.toMatchObject(unavailable);
    expect(await link.tryToAsk((client) => client.ping(), 100)).toBeUndefined();
  });
});

describe('RedisLink over TLS', () => {
  it('trusts the authorities that the process trusts, and no other', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'polyscribe-tls-'));
    toClose({ close: () => rm(folder, { recursive: true, force: true }) });
    const certificate = await makeCertificate(folder);
    const server = toClose(await TestRedis.start({ certificate, password: 'secret' }));
    const script = new URL('testing/ping.js', import.meta.url).pathname;
    const run = async (env: NodeJS.ProcessEnv) =>
      (await promisify(execFile)(process.execPath, [script, server.url], { env: { ...process.env, ...env } })).stdout;
    expect(await run({ NODE_EXTRA_CA_CERTS: certificate.certFile })).toBe('PONG');
    expect(await run({ NODE_EXTRA_CA_CERTS: '' })).toMatch(/does not answer/);
  });
});

describe('RedisLink over sentinels', () => {
  it('finds the master, and the next one after a failover', async () => {
    const password = 'secret';
    const master = toClose(await TestRedis.start({ password }));
    const replica = toClose(await TestRedis.start({ password, replicaOf: master.port }));
    const sentinel = toClose(await TestSentinel.start(master, 'main', password));
    const link = linkTo(`redis+sentinel://:${password}@127.0.0.1:1,${sentinel.address}/main/0`);
    await eventually('the replica to be in step', () =>
      replica.run(async (client) => (await client.info('replication')).includes('master_link_status:up')),
    );
    await link.ask((client) => client.set('here', '1'));
    await eventually('the copy', () => replica.run((client) => client.get('here')));
    // The sentinel asks the master for its replicas every ten seconds.
    await eventually('the sentinel to know the replica', () => sentinel.knowsReplica('main'), 25_000);
    await master.kill();
    await eventually(
      'a write to the new master',
      () => link.ask((client) => client.set('here', '2')).catch(() => undefined),
      25_000,
    );
    expect(await replica.run((client) => client.get('here'))).toBe('2');
  }, 90_000);
});

describe('RedisSubscriber', () => {
  it('hears its channels alone, again after a restart, and says when there was a gap', async () => {
    const server = toClose(await TestRedis.start());
    const heard: string[] = [];
    const joined: string[] = [];
    const subscriber = toClose(
      new RedisSubscriber(
        { url: server.url, purpose: 'test', logger: silent },
        {
          message: (channel, payload) => heard.push(`${channel} ${payload}`),
          joined: (channel) => joined.push(channel),
        },
      ),
    );
    subscriber.join('one');
    subscriber.join('one');
    subscriber.join('two');
    subscriber.join('three');
    subscriber.leave('three');
    await eventually('both channels', () => joined.length === 2);
    for (const channel of ['one', 'two', 'three']) await server.run((client) => client.publish(channel, 'first'));
    await eventually('both messages', () => heard.length === 2);
    await server.kill();
    await server.startAgain();
    await eventually('both channels again', () => joined.length === 4);
    await server.run((client) => client.publish('two', 'second'));
    await eventually('the message', () => heard.length === 3);
    expect(heard).toEqual(['one first', 'two first', 'two second']);
  });

  it('replaces a connection that is dead without having been closed', async () => {
    const server = toClose(await TestRedis.start());
    const joined: string[] = [];
    const subscriber = toClose(
      new RedisSubscriber(
        { url: server.url, purpose: 'test', logger: silent },
        { message: () => undefined, joined: (channel) => joined.push(channel) },
      ),
    );
    subscriber.join('one');
    await eventually('the channel', () => joined.length === 1);
    await subscriber.check();
    server.pause();
    await subscriber.check();
    server.resume();
    await eventually('the channel again', () => joined.length === 2);
    expect(joined).toEqual(['one', 'one']);
  });
});
