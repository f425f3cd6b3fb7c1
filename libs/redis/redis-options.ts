import type { RedisOptions } from 'ioredis';
import { parseRedisUrl, type RedisAddress } from '#config';
import { backoffMs } from '#timing';

const CONNECT_DEADLINE_MS = 2_000;
/** After which a connection is cut that does not end by itself. */
const DISCONNECT_DEADLINE_MS = 400;
const RECONNECT_FIRST_MS = 50;
const RECONNECT_MOST_MS = 2_000;
const KEEP_ALIVE_MS = 10_000;

/**
 * How every connection of ours reaches the server: TLS, login and sentinels by the URL, a deadline for connecting, and
 * reconnecting for ever with jitter.
 *
 * @throws Error without the URL, which holds a password
 */
export function redisOptions(url: string) {
  const address = parseRedisUrl(url);
  if (!address) throw new Error('REDIS_URL is no URL of a Redis server.');
  const { username, password, db } = address;
  return {
    ...(address.masterName === undefined ? serverOptions(address) : sentinelOptions(address, address.masterName)),
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    db,
    connectTimeout: CONNECT_DEADLINE_MS,
    disconnectTimeout: DISCONNECT_DEADLINE_MS,
    // A server that loads its data is one that is away: asked again by our own clock.
    maxLoadingRetryTime: RECONNECT_MOST_MS,
    retryStrategy: reconnectDelayMs,
    // After a failover the old master refuses writes as a replica: look for the new one.
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
    keepAlive: KEEP_ALIVE_MS,
    disableClientInfo: true,
  } satisfies RedisOptions;
}

function reconnectDelayMs(attempt: number): number {
  return backoffMs(attempt, RECONNECT_FIRST_MS, RECONNECT_MOST_MS);
}

function serverOptions({ nodes: [node], tls }: RedisAddress) {
  return { host: node.host, port: node.port, ...(tls ? { tls: {} } : {}) };
}

function sentinelOptions({ nodes, tls, sentinelPassword }: RedisAddress, masterName: string) {
  return {
    sentinels: nodes.map(({ host, port }) => ({ host, port })),
    name: masterName,
    ...(sentinelPassword === undefined ? {} : { sentinelPassword }),
    sentinelRetryStrategy: reconnectDelayMs,
    sentinelCommandTimeout: CONNECT_DEADLINE_MS,
    ...(tls ? { tls: {}, sentinelTLS: {}, enableTLSForSentinelMode: true } : {}),
  };
}
