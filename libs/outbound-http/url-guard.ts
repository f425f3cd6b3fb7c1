import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { PolyscribeError, systemErrorCode } from '#contracts';
import { isPublicAddress } from './public-address.js';

export interface ResolvedAddress {
  readonly address: string;
  /** 4 or 6. */
  readonly family: number;
}

/** All addresses of a host name. */
export type Resolve = (hostname: string) => Promise<readonly ResolvedAddress[]>;

export const MAX_URL_LENGTH = 2_048;

/** Other protocols listen below; the two are HTTP's own. */
const FIRST_FREE_PORT = 1_024;
const webPorts: ReadonlySet<number> = new Set([80, 443]);

/** Names that stand for inner hosts by agreement (RFC 6761, 6762, 7686, 8375, and what clouds and home routers use). */
const innerNames =
  /(^|\.)(localhost|localdomain|local|internal|intranet|private|corp|home|lan|home\.arpa|test|invalid|example|onion)$/;

/** The parser of URLs drops some of these and takes others for something else: what we judge must be what was sent. */
const unfit = /[\p{Cc}\p{Cs}\p{Z}\\]/u;

/** The same for every reason: an answer that tells them apart would let a client map the inner network. */
const SENTENCE =
  'This URL may not be called: it must be an http or https URL without credentials, on a host of the public internet. ' +
  'An operator can allow other hosts with URL_ALLOWED_HOSTS.';

/**
 * Judges addresses that a client named, so that nobody can make us call what only we can reach (server-side request
 * forgery). In two steps: by the look of the URL, as soon as it comes; by what its host resolves to, when it is called.
 */
export class UrlGuard {
  private readonly allowed: ReadonlySet<string>;
  private readonly resolve: Resolve;

  /** @param allowedHosts `host` or `host:port`; these may be called whatever they resolve to */
  constructor(allowedHosts: readonly string[], resolve: Resolve = lookupAll) {
    this.allowed = new Set(allowedHosts.map(normalEntry));
    this.resolve = resolve;
  }

  /**
   * What can be said without asking anybody.
   *
   * @throws PolyscribeError `url_not_allowed`
   */
  judge(text: string, base?: URL): URL {
    if (text.length > MAX_URL_LENGTH || unfit.test(text) || !URL.canParse(text, base?.href)) throw notAllowed();
    const url = new URL(text, base);
    if (url.protocol !== 'http:' && url.protocol !== 'https:') throw notAllowed();
    if (url.username !== '' || url.password !== '' || url.hostname === '') throw notAllowed();
    url.hash = '';
    if (this.isAllowed(url)) return url;
    const port = portOf(url);
    if (!webPorts.has(port) && port < FIRST_FREE_PORT) throw notAllowed();
    const host = bareHost(url);
    if (isIP(host) === 0 ? isInnerName(host) : !isPublicAddress(host)) throw notAllowed();
    return url;
  }

  /**
   * The addresses of a judged URL's host. They are the only ones that may be connected to: asking again could give others.
   *
   * @throws PolyscribeError `url_not_allowed` unless every one of them may be called; `dependency_unavailable` when the
   *   name cannot be resolved at this moment
   */
  async addressesOf(url: URL): Promise<readonly ResolvedAddress[]> {
    const host = bareHost(url);
    const family = isIP(host);
    const addresses = family === 0 ? await this.resolved(host) : [{ address: host, family }];
    if (addresses.length === 0) throw notAllowed();
    // One inner address among public ones is how a name is made that passes now and reaches inside later.
    if (!this.isAllowed(url) && !addresses.every(({ address }) => isPublicAddress(address))) throw notAllowed();
    return addresses;
  }

  private async resolved(host: string): Promise<readonly ResolvedAddress[]> {
    try {
      return await this.resolve(host);
    } catch (error) {
      if (systemErrorCode(error) !== 'EAI_AGAIN') throw notAllowed(error);
      throw new PolyscribeError('dependency_unavailable', 'The name of the host cannot be resolved at this moment.', {
        cause: error,
      });
    }
  }

  private isAllowed(url: URL): boolean {
    const host = url.hostname.replace(/\.$/, '');
    return this.allowed.has(host) || this.allowed.has(`${host}:${portOf(url)}`);
  }
}

function notAllowed(cause?: unknown): PolyscribeError {
  return new PolyscribeError('url_not_allowed', SENTENCE, cause === undefined ? {} : { cause });
}

/** As the parser of URLs writes hosts: lower case, IDN as punycode, addresses in their shortest form. */
function normalEntry(entry: string): string {
  const [, host = '', port = ''] = /^(.*?)((?::\d{1,5})?)$/.exec(entry.trim()) ?? [];
  const text = `http://${host}/`;
  return URL.canParse(text) ? new URL(text).hostname.replace(/\.$/, '') + port : entry;
}

function isInnerName(host: string): boolean {
  const name = host.replace(/\.$/, '');
  // A name without a dot is one of this network: the resolver completes it.
  return !name.includes('.') || innerNames.test(name);
}

function bareHost(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '');
}

function portOf(url: URL): number {
  if (url.port !== '') return Number(url.port);
  return url.protocol === 'https:' ? 443 : 80;
}

async function lookupAll(hostname: string): Promise<readonly ResolvedAddress[]> {
  return lookup(hostname, { all: true, verbatim: true });
}
