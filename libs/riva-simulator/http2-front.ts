import { once } from 'node:events';
import {
  type ClientHttp2Session,
  type Http2SecureServer,
  type Http2Server,
  type Http2Session,
  type IncomingHttpHeaders,
  type IncomingHttpStatusHeader,
  type OutgoingHttpHeaders,
  type ServerHttp2Stream,
  connect,
  constants,
  createSecureServer,
  createServer,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import type { BelowGrpc } from './riva-fault.js';
import { type SimulatorTls, http2Credentials } from './simulator-tls.js';

/**
 * By this header or trailer, a {@link BelowGrpc} as JSON, the server behind orders what becomes of a stream. As it travels
 * with the stream, what was sent before arrives before.
 */
export const STRIKE_KEY = 'x-simulator-strike';

type ResponseHeaders = IncomingHttpHeaders & IncomingHttpStatusHeader;

/**
 * What stands before a gRPC server and can do what the server cannot: reset a stream, cut a connection, answer with a bare
 * HTTP status. Everything else passes unchanged.
 */
export class Http2Front {
  /** Each connection of a client with the one behind it. */
  private readonly sessions = new Map<Http2Session, ClientHttp2Session>();

  private constructor(
    private readonly server: Http2Server | Http2SecureServer,
    private readonly target: string,
  ) {
    server.on('session', (session: Http2Session) => this.accept(session));
    server.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => this.pass(stream, headers));
    // A client that shows no certificate, or breaks off, is its own affair.
    server.on('sessionError', () => undefined);
  }

  /** @param target host:port of the server behind, in the clear */
  static async listen(target: string, port: number, tls: SimulatorTls | undefined): Promise<Http2Front> {
    const server = tls ? createSecureServer(http2Credentials(tls)) : createServer();
    const front = new Http2Front(server, `http://${target}`);
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return front;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    const closed = once(this.server, 'close');
    this.server.close();
    for (const session of this.sessions.keys()) session.destroy();
    await closed;
  }

  private accept(session: Http2Session): void {
    const behind = connect(this.target);
    behind.on('error', () => session.destroy());
    this.sessions.set(session, behind);
    session.on('error', () => undefined);
    session.on('close', () => {
      this.sessions.delete(session);
      behind.destroy();
    });
  }

  private pass(outer: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
    const behind = outer.session && this.sessions.get(outer.session);
    if (!behind || behind.destroyed) {
      outer.close(constants.NGHTTP2_REFUSED_STREAM);
      return;
    }
    const inner = behind.request({ ...headers }, { endStream: false });
    let trailers: OutgoingHttpHeaders = {};
    inner.on('response', (response: ResponseHeaders, flags: number) => {
      const strike = strikeIn(response);
      if (strike) strikeAt(outer, strike);
      if (strike || outer.closed) return;
      const isWhole = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0;
      outer.respond(response, isWhole ? { endStream: true } : { waitForTrailers: true });
      if (!isWhole) inner.pipe(outer, { end: false });
    });
    inner.on('trailers', (sent: IncomingHttpHeaders) => (trailers = sent));
    inner.on('end', () => {
      const strike = strikeIn(trailers);
      if (strike) strikeAt(outer, strike);
      else if (!outer.closed && !outer.writableEnded) outer.end();
    });
    outer.on('wantTrailers', () => outer.sendTrailers(trailers));
    outer.pipe(inner);
    inner.on('error', () => outer.close(constants.NGHTTP2_INTERNAL_ERROR));
    outer.on('error', () => undefined);
    outer.on('close', () => inner.close(constants.NGHTTP2_CANCEL));
  }
}

function strikeIn(headers: OutgoingHttpHeaders): BelowGrpc | undefined {
  const order = headers[STRIKE_KEY];
  return typeof order === 'string' ? (JSON.parse(order) as BelowGrpc) : undefined;
}

/** What was sent before is on its way first. */
function strikeAt(stream: ServerHttp2Stream, action: BelowGrpc): void {
  if (stream.closed) return;
  if (!stream.headersSent && action.kind === 'http_status') {
    stream.respond({ ':status': action.status }, { endStream: true });
    return;
  }
  const strike = (): void => {
    if (action.kind === 'disconnect') stream.session?.destroy();
    else if (action.kind === 'reset') stream.close(action.http2Code ?? constants.NGHTTP2_INTERNAL_ERROR);
    else stream.close(constants.NGHTTP2_INTERNAL_ERROR);
  };
  if (stream.headersSent) stream.write('', strike);
  else strike();
}
