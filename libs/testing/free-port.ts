import { once } from 'node:events';
import { createServer, type Server } from 'node:net';

/** A port of the loopback interface that nobody listened on a moment ago, for what must come back under the same port. */
export async function freePort(): Promise<number> {
  const server = await listenOn(0);
  if (!server) throw new Error('The system gave no free port.');
  return close(server);
}

/** The first of two ports in a row that nobody listened on a moment ago. */
export async function freePortPair(): Promise<number> {
  for (let tries = 0; tries < 50; tries += 1) {
    const first = await freePort();
    const second = await listenOn(first + 1);
    if (!second) continue;
    await close(second);
    return first;
  }
  throw new Error('There are no two free ports in a row.');
}

async function listenOn(port: number): Promise<Server | undefined> {
  const server = createServer().listen({ port, host: '127.0.0.1' });
  try {
    await once(server, 'listening');
    return server;
  } catch {
    return undefined;
  }
}

async function close(server: Server): Promise<number> {
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (typeof address !== 'object' || !address) throw new Error('The system gave no free port.');
  return address.port;
}
