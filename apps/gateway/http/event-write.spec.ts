import { once } from 'node:events';
import { createServer, get, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { write } from './stream.controller.js';

describe('writing events to a client that is behind', () => {
  it('leaves no listeners behind however often it waits', async () => {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    try {
      const request = get({ host: '127.0.0.1', port: (server.address() as AddressInfo).port });
      const [, response] = (await once(server, 'request')) as [IncomingMessage, ServerResponse];
      response.flushHeaders();
      const [answer] = (await once(request, 'response')) as [IncomingMessage];
      answer.resume();
      const before = response.listenerCount('close');
      for (let round = 0; round < 12; round += 1) expect(await write(response, 'x'.repeat(200_000), 10_000)).toBe(true);
      expect([response.listenerCount('close'), response.listenerCount('drain')]).toEqual([before, 0]);
      response.end();
      await once(answer, 'close');
    } finally {
      server.close();
      server.closeAllConnections();
    }
  });
});
