export interface RedisNode {
  readonly host: string;
  readonly port: number;
}

/** Where Redis is, as `REDIS_URL` says it. */
export interface RedisAddress {
  /** The server itself, or the sentinels that know it. */
  readonly nodes: readonly [RedisNode, ...RedisNode[]];
  /** The name that the sentinels know the master by; undefined without sentinels. */
  readonly masterName: string | undefined;
  readonly tls: boolean;
  readonly username: string | undefined;
  readonly password: string | undefined;
  /** Of the sentinels themselves, which is not the servers'. */
  readonly sentinelPassword: string | undefined;
  readonly db: number;
}

/** What `REDIS_URL` must be, for people. */
export const REDIS_URL_FORMS =
  'redis://[[user]:password@]host[:port][/db], the same with rediss:// for TLS, or redis+sentinel://[[user]:password@]host[:port],host[:port]/master[/db]';

const DEFAULT_PORT = 6379;
const DEFAULT_SENTINEL_PORT = 26379;
const form = /^redis(s?)(\+sentinel)?:\/\/(?:([^@/?#]*)@)?([^@/?#]+)((?:\/[^/?#]*)*)(?:\?([^#]*))?$/;
const nodeForm = /^(\[[0-9a-fA-F:.]+\]|[^\s:[\]]+)(?::(\d{1,5}))?$/;

/** @returns undefined where the URL is of no form that we know */
export function parseRedisUrl(url: string): RedisAddress | undefined {
  const [matched, secure, sentinel, credentials, hosts = '', path = '', query = ''] = form.exec(url) ?? [];
  if (matched === undefined) return undefined;
  const nodes = hosts.split(',').map((host) => parseNode(host, sentinel ? DEFAULT_SENTINEL_PORT : DEFAULT_PORT));
  const place = parsePath(path, sentinel !== undefined);
  const login = parseCredentials(credentials);
  const [first, ...others] = nodes.filter((node) => node !== undefined);
  if (!first || others.length + 1 < nodes.length || (!sentinel && others.length > 0)) return undefined;
  if (!place || !login) return undefined;
  return {
    nodes: [first, ...others],
    ...place,
    ...login,
    tls: secure === 's',
    sentinelPassword: new URLSearchParams(query).get('sentinel_password') ?? undefined,
  };
}

function parseNode(text: string, defaultPort: number): RedisNode | undefined {
  const [matched, host = '', port] = nodeForm.exec(text) ?? [];
  const number = port === undefined ? defaultPort : Number(port);
  if (matched === undefined || number < 1 || number > 65_535) return undefined;
  return { host: host.replace(/^\[|\]$/g, ''), port: number };
}

/** `/db`, or `/master/db` with sentinels. */
function parsePath(path: string, sentinel: boolean): { masterName: string | undefined; db: number } | undefined {
  const parts = path.split('/').filter((part) => part !== '');
  const masterName = sentinel ? decoded(parts.shift() ?? '') : undefined;
  const [db = '0', ...rest] = parts;
  if (rest.length > 0 || !/^\d{1,5}$/.test(db) || (sentinel && !masterName)) return undefined;
  return { masterName, db: Number(db) };
}

function parseCredentials(text = ''): { username: string | undefined; password: string | undefined } | undefined {
  const colon = text.indexOf(':');
  const username = decoded(colon < 0 ? text : text.slice(0, colon));
  const password = decoded(colon < 0 ? '' : text.slice(colon + 1));
  if (username === undefined || password === undefined) return undefined;
  return { username: username || undefined, password: password || undefined };
}

/** @returns undefined where a percent sign begins no character */
function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
