import { connect, createServer, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';

/** A way to a PostgreSQL server that can be told to end each new connection in the moment it is ready. */
export interface FarewellProxy {
  readonly url: string;
  /** From now on connections end so, and those that are open end at once. */
  arm(): void;
  disarm(): void;
  /** How many connections ended so. */
  farewells(): number;
  stop(): Promise<void>;
}

/** ReadyForQuery, idle (PostgreSQL manual, "Message Formats"). */
const READY = Buffer.from([0x5a, 0, 0, 0, 5, 0x49]);

/** The ErrorResponse of a server that an administrator shuts down. */
function shutdownMessage(): Buffer {
  const fields = ['SFATAL', 'VFATAL', 'C57P01', 'Mterminating connection due to administrator command'];
  const body = Buffer.from(`${fields.join('\0')}\0\0`);
  const head = Buffer.alloc(5, 'E');
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

/**
 * Stands between a client and the server. While armed it sends "ready" and "I am shutting down" in one packet, as a
 * server does that is stopped while somebody connects.
 */
export async function startFarewellProxy(databaseUrl: string): Promise<FarewellProxy> {
  let armed = false;
  let farewells = 0;
  const { url, closeAll, stop } = await startProxy(databaseUrl, (chunk, client, upstream) => {
    if (!armed || !chunk.subarray(-READY.length).equals(READY)) {
      client.write(chunk);
      return;
    }
    farewells += 1;
    upstream.removeAllListeners('data');
    client.end(Buffer.concat([chunk, shutdownMessage()]));
  });
  return {
    url,
    arm: () => {
      armed = true;
      closeAll();
    },
    disarm: () => {
      armed = false;
    },
    farewells: () => farewells,
    stop,
  };
}

/** A way to a PostgreSQL server on which answers get lost while the connections stay open. */
export interface SilentProxy {
  readonly url: string;
  /** From now on no answer comes through on the connections that are open; new ones are served. */
  silence(): void;
  stop(): Promise<void>;
}

/** Stands between a client and the server, as a network does that loses what is sent and tells nobody. */
export async function startSilentProxy(databaseUrl: string): Promise<SilentProxy> {
  const silenced = new WeakSet<Socket>();
  const { url, clients, stop } = await startProxy(databaseUrl, (chunk, client) => {
    if (!silenced.has(client)) client.write(chunk);
  });
  return {
    url,
    silence: () => {
      for (const client of clients) silenced.add(client);
    },
    stop,
  };
}

/** @param onAnswer takes what the server sends and hands on what the client is to have of it */
async function startProxy(
  databaseUrl: string,
  onAnswer: (chunk: Buffer, client: Socket, upstream: Socket) => void,
): Promise<{ url: string; clients: ReadonlySet<Socket>; closeAll: () => void; stop: () => Promise<void> }> {
  const target = new URL(databaseUrl);
  const open = new Set<Socket>();
  const clients = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname);
    clients.add(client);
    for (const socket of [client, upstream]) {
      open.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => open.delete(socket));
    }
    client.on('close', () => {
      clients.delete(client);
      upstream.destroy();
    });
    upstream.on('close', () => client.destroy());
    client.pipe(upstream);
    upstream.on('data', (chunk: Buffer) => onAnswer(chunk, client, upstream));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = new URL(databaseUrl);
  url.hostname = '127.0.0.1';
  url.port = String((server.address() as AddressInfo).port);
  const closeAll = () => {
    for (const socket of open) socket.destroy();
  };
  return {
    url: url.href,
    clients,
    closeAll,
    stop: async () => {
      closeAll();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
