import { connect, type Socket } from 'node:net';
import { quantile } from '../harness/statistics.js';

/**
 * Many readers of event streams in one process, over plain sockets so that reading costs little. Asked with
 * `{connect: {url, paths, readers}}`, answers `{connected}`; asked with `{count: true}`,
 * answers `{events}`; asked with `{collect: true}`, closes them and answers
 * `{events, p50Ms, p99Ms}`: how late the events came whose data hold `at:<milliseconds since 1970>`.
 */
const STAMP = /at:(\d+)/g;
/** One reader in so many looks at the stamps. */
const LOOKS = 20;

let sockets: Socket[] = [];
let events = 0;
const lags: number[] = [];

interface Connect {
  readonly url: string;
  readonly paths: readonly string[];
  readonly readers: number;
}

process.on('message', (message) => {
  const { connect: wanted, count } = message as { connect?: Connect; count?: boolean };
  if (wanted) void connectAll(wanted).then((connected) => process.send?.({ connected }));
  else if (count === true) process.send?.({ events: events * LOOKS });
  else collect();
});
process.once('SIGTERM', () => {
  for (const socket of sockets) socket.destroy();
  process.disconnect();
});
process.send?.({});

async function connectAll({ url, paths, readers }: Connect): Promise<number> {
  events = 0;
  lags.splice(0);
  const { hostname, port } = new URL(url);
  const one = async (number: number): Promise<Socket> =>
    new Promise((resolve, reject) => {
      const socket = connect(Number(port), hostname, () => {
        const path = paths[Math.floor((number * paths.length) / readers)] ?? '/';
        socket.write(`GET ${path} HTTP/1.1\r\nhost: ${hostname}\r\naccept: text/event-stream\r\n\r\n`);
      });
      socket.once('error', reject);
      // The answer's head: from then on it is subscribed, or soon will be.
      socket.once('data', () => resolve(socket));
      socket.on('data', (data) => read(data, number % LOOKS === 0));
    });
  sockets = [];
  // In groups, so that the other side's backlog holds them.
  for (let number = 0; number < readers; number += 100) {
    const group = Array.from({ length: Math.min(100, readers - number) }, (_, index) => one(number + index));
    sockets.push(...(await Promise.all(group)));
  }
  return sockets.length;
}

function read(data: Buffer, looks: boolean): void {
  if (!looks) return;
  const now = Date.now();
  for (const [, stamp] of data.toString('latin1').matchAll(STAMP)) {
    events += 1;
    lags.push(now - Number(stamp));
  }
}

function collect(): void {
  for (const socket of sockets) socket.destroy();
  sockets = [];
  const figure = (share: number) => (lags.length === 0 ? -1 : quantile(lags, share));
  process.send?.({ events: events * LOOKS, p50Ms: figure(0.5), p99Ms: figure(0.99) });
}
