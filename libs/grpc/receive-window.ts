import type { ServerHttp2Session } from 'node:http2';
import type { ServerInterceptor } from '@grpc/grpc-js';

/**
 * Lets clients of a server send that many bytes ahead of its readers, in each call and over each connection, instead of
 * HTTP/2's 64 KiB: a client with more to say then waits for the server's leave after each 32 KiB, which wakes both.
 *
 * The library has this for what clients receive (`grpc-node.flow_control_window`) but not for servers. Their sessions can be
 * had from a call alone, from a field that is not public; where it is missing the window stays as it was. A call's first
 * bytes may therefore come by the narrow one.
 */
export function receiveWindow(bytes: number): ServerInterceptor {
  const widened = new WeakSet<ServerHttp2Session>();
  return (_method, call) => {
    const session = sessionOf(Reflect.get(call, 'stream'));
    if (session && !session.destroyed && !widened.has(session)) {
      widened.add(session);
      session.settings({ initialWindowSize: bytes });
      session.setLocalWindowSize(bytes);
    }
    // The library wants a call to go on with and takes the one it gave, which is cheaper than one around it.
    return call as ReturnType<ServerInterceptor>;
  };
}

function sessionOf(stream: unknown): ServerHttp2Session | undefined {
  return isOfSession(stream) && typeof stream.session?.setLocalWindowSize === 'function' ? stream.session : undefined;
}

function isOfSession(stream: unknown): stream is { readonly session?: ServerHttp2Session } {
  return typeof stream === 'object' && stream !== null && 'session' in stream;
}
