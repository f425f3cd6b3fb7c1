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
  const target = new URL(databaseUrl);
  const open = new Set<Socket>();
  let armed = false;
  let farewells = 0;
  const server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname);
    for (const socket of [client, upstream]) {
      open.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => open.delete(socket));
    }
    client.on('close', () => upstream.destroy());
    upstream.on('close', () => client.destroy());
    client.pipe(upstream);
    upstream.on('data', (chunk: Buffer) => {
      if (!armed || !chunk.subarray(-READY.length).equals(READY)) {
        client.write(chunk);
        return;
      }
      farewells += 1;
      upstream.removeAllListeners('data');
      client.end(Buffer.concat([chunk, shutdownMessage()]));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = new URL(databaseUrl);
  url.hostname = '127.0.0.1';
  url.port = String((server.address() as AddressInfo).port);
  return {
    url: url.href,
    arm: () => {
      armed = true;
      for (const socket of open) socket.destroy();
    },
    disarm: () => {
      armed = false;
    },
    farewells: () => farewells,
    stop: async () => {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
