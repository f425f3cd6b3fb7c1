import { createServer } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { answerBrokenHttp } from './broken-http.js';

describe('answerBrokenHttp', () => {
  const server = createServer({ headersTimeout: 50, connectionsCheckingInterval: 20, requestTimeout: 0 });
  server.on('clientError', answerBrokenHttp);
  let port = 0;

  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    ({ port } = server.address() as AddressInfo);
  });
  afterAll(() => {
    server.close();
    server.closeAllConnections();
  });

  function answerTo(bytes: string): Promise<string> {
    const socket = connect(port, '127.0.0.1');
    if (bytes !== '') socket.write(bytes);
    return text(socket);
  }

  it.each([
    ['bytes that are no HTTP', 'EHLO example.org\r\n\r\n', /^HTTP\/1.1 400 Bad Request\r\n/],
    ['a head that never ends', 'GET / HTTP/1.1\r\nHost: a', /^HTTP\/1.1 408 Request Timeout\r\n/],
    ['a head that is too large', `GET / HTTP/1.1\r\nA: ${'a'.repeat(20_000)}`, /^HTTP\/1.1 431 Request Header/],
  ])('answers %s with a problem of its status', async (_what, bytes, statusLine) => {
    const answer = await answerTo(bytes);
    expect(answer).toMatch(statusLine);
    const problem = JSON.parse(answer.slice(answer.indexOf('\r\n\r\n'))) as { status: number; code: string };
    expect(problem).toMatchObject({ status: Number(answer.slice(9, 12)), code: 'invalid_request' });
  });

  it('closes a connection on which nothing came without a word', async () => {
    await expect(answerTo('')).resolves.toBe('');
  });
});
