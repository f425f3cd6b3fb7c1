import { isIPv4 } from 'node:net';
import type { FastifyRequest } from 'fastify';
import { PolyscribeError } from '#contracts';
import { isWildcard } from '#grpc';

export interface OwnNames {
  /** The address that the server binds. */
  readonly host: string;
  readonly publicUrl: string | undefined;
}

const changing: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH', 'DELETE']);

/**
 * Keeps web pages of others from using a browser of somebody who reaches the gateway: by a name of theirs that they let
 * point here, and by forms that they send here. Programs send no Origin and are not concerned.
 *
 * A server that is bound to every address cannot know by which names it is reached, and takes any.
 *
 * @throws PolyscribeError `forbidden`
 */
export function refuseForeignPages(request: Pick<FastifyRequest, 'method' | 'headers'>, own: OwnNames): void {
  const { host = '', origin } = request.headers;
  if (!isWildcard(own.host) && !isOwnName(nameIn(`http://${host}`), own)) {
    throw new PolyscribeError(
      'forbidden',
      'The gateway is not known by this host name; set APP_URL to its public URL.',
    );
  }
  if (origin === undefined || !changing.has(request.method)) return;
  const origins = [`http://${host}`, `https://${host}`, own.publicUrl ?? `http://${host}`].map(originOf);
  if (!URL.canParse(origin) || !origins.includes(originOf(origin))) {
    throw new PolyscribeError('forbidden', 'Pages of another origin may not send this request.');
  }
}

function isOwnName(name: string | undefined, own: OwnNames): boolean {
  if (name === undefined) return false;
  if (name === 'localhost' || name.endsWith('.localhost') || name === '[::1]') return true;
  if (isIPv4(name) && name.startsWith('127.')) return true;
  const bound = nameIn(`http://${own.host.includes(':') ? `[${own.host}]` : own.host}`);
  return name === bound || name === nameIn(own.publicUrl ?? '');
}

function nameIn(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).hostname : undefined;
}

/** `null`, as browsers send it for pages without an origin, is the origin of nobody here. */
function originOf(url: string): string {
  return URL.canParse(url) ? new URL(url).origin : 'none';
}
