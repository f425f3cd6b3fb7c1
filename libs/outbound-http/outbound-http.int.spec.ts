import http, { type RequestListener } from 'node:http';
import { createServer, type Server, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { gzipSync } from 'node:zlib';
import { OutboundHttp } from './outbound-http.js';
import { forgedUrls } from './testing/forged-urls.js';

const limits = { totalMs: 10_000, headMs: 5_000 };
const never = new AbortController().signal;
const servers: { close(): Promise<void> }[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

async function listen(server: Server, host: string): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => sockets.add(socket.on('close', () => sockets.delete(socket))));
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  servers.push({
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  });
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** The URL of a host of ours, and a client that may call it. */
async function serve(listener: RequestListener): Promise<{ url: string; client: OutboundHttp }> {
  const port = await listen(http.createServer(listener), '127.0.0.1');
  return { url: `http://127.0.0.1:${port}`, client: new OutboundHttp({ allowedHosts: [`127.0.0.1:${port}`] }) };
}

async function textOf(body: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

describe('calls to addresses that a client named', () => {
  it('are never made to a forged URL', async () => {
    let connections = 0;
    const port = await listen(
      createServer((socket) => {
        connections += 1;
        socket.destroy();
      }),
      '::',
    );
    const own = Object.values(networkInterfaces())
      .flatMap((entries) => entries ?? [])
      .map(({ address, family }) => (family === 'IPv6' ? `http://[${address}]:PORT/` : `http://${address}:PORT/`));
    const urls = [...forgedUrls, ...own.map((url) => ({ url, resolvesTo: [] }))];
    expect(forgedUrls.length).toBeGreaterThanOrEqual(60);
    for (const { url, resolvesTo = ['127.0.0.1'] } of urls) {
      const resolve = () => Promise.resolve(resolvesTo.map((address) => ({ address, family: familyOf(address) })));
      const client = new OutboundHttp({ allowedHosts: [], resolve });
      const target = url.replaceAll('PORT', String(port));
      const body = Buffer.from('{}');
      await expect(client.get(target, limits, never)).rejects.toMatchObject({ code: 'url_not_allowed' });
      await expect(
        client.post(target, { headers: {}, body }, { ...limits, maxAnswerBytes: 10 }, never),
      ).rejects.toMatchObject({ code: 'url_not_allowed' });
    }
    expect(connections).toBe(0);
  });

  it('are not led to another host by a redirect', async () => {
    let reached = 0;
    const inner = await serve((_request, response) => {
      reached += 1;
      response.end('secret');
    });
    const targets = [inner.url, inner.url.replace('127.0.0.1', '[::ffff:127.0.0.1]'), 'file:///etc/passwd', 'http://['];
    for (const location of targets) {
      const { url, client } = await serve((_request, response) => response.writeHead(302, { location }).end());
      await expect(client.get(url, limits, never)).rejects.toMatchObject({ code: 'url_not_allowed' });
    }
    expect(reached).toBe(0);
  });

  it('go to the address that was judged, and to no other that the name has by then', async () => {
    let asked = 0;
    const { url } = await serve((request, response) => response.end(request.headers.host));
    const port = new URL(url).port;
    const client = new OutboundHttp({
      allowedHosts: [`rebinding.example.com:${port}`],
      resolve: () => {
        asked += 1;
        return Promise.resolve([{ address: asked === 1 ? '127.0.0.1' : '127.9.9.9', family: 4 }]);
      },
    });
    const answer = await client.get(`http://rebinding.example.com:${port}/`, limits, never);
    expect(await textOf(answer.body)).toBe(`rebinding.example.com:${port}`);
    expect(asked).toBe(1);
  });

  it('follow redirects within what is allowed, up to five', async () => {
    const { url, client } = await serve((request, response) => {
      const hop = Number(request.url?.slice(1));
      if (hop > 0) response.writeHead(307, { location: String(hop - 1) }).end('elsewhere');
      else response.end('here');
    });
    const answer = await client.get(`${url}/5`, limits, never);
    expect([answer.status, answer.url.pathname, await textOf(answer.body)]).toEqual([200, '/0', 'here']);
    await expect(client.get(`${url}/6`, limits, never)).rejects.toMatchObject({ code: 'invalid_request' });
  });

  it('give a redirect back where a body was posted', async () => {
    const { url, client } = await serve((_request, response) => response.writeHead(308, { location: '/' }).end());
    const message = { headers: { 'content-type': 'application/json' }, body: Buffer.from('{}') };
    const answer = await client.post(url, message, { ...limits, maxAnswerBytes: 10 }, never);
    expect(answer.status).toBe(308);
  });

  it('send what is posted and keep the beginning of the answer', async () => {
    const { url, client } = await serve((request, response) => {
      void textOf(request).then((body) => response.writeHead(202).end(`${body} ${'x'.repeat(100_000)}`));
    });
    const message = { headers: { 'content-type': 'application/json' }, body: Buffer.from('{"a":1}') };
    const answer = await client.post(url, message, { ...limits, maxAnswerBytes: 20 }, never);
    expect(answer).toMatchObject({ status: 202, text: '{"a":1} xxxxxxxxxxxx' });
  });

  it('do not unpack what comes', async () => {
    const packed = gzipSync(Buffer.alloc(1_000_000));
    const { url, client } = await serve((request, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip', asked: request.headers['accept-encoding'] }).end(packed);
    });
    const answer = await client.get(url, limits, never);
    expect(answer.headers['asked']).toBe('identity');
    expect((await textOf(answer.body)).length).toBeLessThan(packed.length + 1);
  });

  it.each([
    ['that never answers', () => undefined],
    ['whose head never ends', (socket: Socket) => void socket.write('HTTP/1.1 200 OK\r\nX-A: ')],
    ['whose head is too large', (socket: Socket) => void socket.write(`HTTP/1.1 200 OK\r\nX-A: ${'a'.repeat(40_000)}`)],
    ['that speaks something else', (socket: Socket) => void socket.write('220 mail.example.com ESMTP\r\n')],
    ['that breaks off', (socket: Socket) => void socket.destroy()],
    ['that changes the protocol', (socket: Socket) => void socket.write(UPGRADE)],
  ])('end for a host %s', async (_title, behave) => {
    const port = await listen(
      createServer((socket) => {
        socket.on('error', () => undefined);
        behave(socket);
      }),
      '127.0.0.1',
    );
    const client = new OutboundHttp({ allowedHosts: ['127.0.0.1'] });
    await expect(client.get(`http://127.0.0.1:${port}/`, { totalMs: 5_000, headMs: 300 }, never)).rejects.toMatchObject(
      {
        code: 'dependency_unavailable',
      },
    );
  });

  it('end for a host that is not there', async () => {
    const port = await listen(createServer(), '127.0.0.1');
    await servers.pop()?.close();
    const client = new OutboundHttp({ allowedHosts: ['127.0.0.1'] });
    await expect(client.get(`http://127.0.0.1:${port}/`, limits, never)).rejects.toMatchObject({
      code: 'dependency_unavailable',
    });
  });

  it('end when the time is over, also in the middle of a body', async () => {
    const { url, client } = await serve((_request, response) => void response.write('beginning'));
    const answer = await client.get(url, { totalMs: 400, headMs: 300 }, never);
    await expect(textOf(answer.body)).rejects.toMatchObject({ code: 'dependency_unavailable' });
  });

  it('end when the name server does not answer', async () => {
    const client = new OutboundHttp({ allowedHosts: [], resolve: () => new Promise(() => undefined) });
    await expect(client.get('https://example.com/', { totalMs: 200, headMs: 100 }, never)).rejects.toMatchObject({
      code: 'dependency_unavailable',
    });
  });

  it('tell a body that was cut from one that is whole', async () => {
    const { url, client } = await serve((_request, response) => {
      response.writeHead(200, { 'content-length': '100' }).write('only this', () => response.destroy());
    });
    const answer = await client.get(url, limits, never);
    await expect(textOf(answer.body)).rejects.toMatchObject({ code: 'dependency_unavailable' });
  });

  it('end when the caller wants no more', async () => {
    const { url, client } = await serve((_request, response) => void response.write('beginning'));
    const caller = new AbortController();
    const answer = await client.get(url, limits, caller.signal);
    caller.abort();
    await expect(textOf(answer.body)).rejects.toMatchObject({ code: 'cancelled' });
    await expect(client.get(url, limits, caller.signal)).rejects.toMatchObject({ code: 'cancelled' });
  });
});

const UPGRADE = 'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: other\r\n\r\n';

function familyOf(address: string): number {
  return address.includes(':') ? 6 : 4;
}
