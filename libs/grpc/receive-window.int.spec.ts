import { once } from 'node:events';
import { type ClientHttp2Session, connect } from 'node:http2';
import { engineV1 } from '#protos';
import { createLogger } from '#telemetry';
import { eventually } from '#testing';
import { GrpcServer } from './grpc-server.js';

const WINDOW_BYTES = 512 * 1024;
const DEFAULT_WINDOW_BYTES = 65_535;
const DEADLINE_MS = 30_000;

describe('The receive window of a gRPC server', () => {
  const cleanUps: (() => Promise<void> | void)[] = [];

  afterEach(async () => {
    for (const cleanUp of cleanUps.splice(0).toReversed()) await cleanUp();
  });

  async function sessionWith(receiveWindowBytes?: number): Promise<ClientHttp2Session> {
    const logger = createLogger('test', 'info', { write: () => undefined });
    const server = new GrpcServer({ logger, ...(receiveWindowBytes !== undefined && { receiveWindowBytes }) });
    server.add(engineV1.EngineServiceDefinition, {
      describe: () => Promise.resolve({}),
      async *transcribe() {
        // No event at all.
      },
    });
    const address = await server.listen('127.0.0.1', 0);
    cleanUps.push(() => server.stop(0));
    const session = connect(`http://${address}`);
    cleanUps.push(() => session.destroy());
    return session;
  }

  /** Sends an empty message: five bytes of frame, all zero. */
  async function describeEngine(session: ClientHttp2Session): Promise<void> {
    const stream = session.request({
      ':method': 'POST',
      ':path': `/${engineV1.EngineServiceDefinition.fullName}/Describe`,
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    stream.end(Buffer.alloc(5));
    stream.resume();
    await once(stream, 'close');
  }

  it('is widened for a connection by its first call', async () => {
    const session = await sessionWith(WINDOW_BYTES);
    await describeEngine(session);
    const isWide = () => session.remoteSettings.initialWindowSize === WINDOW_BYTES;
    await eventually('the window of calls to be wide', isWide, DEADLINE_MS);
    const { remoteWindowSize = 0 } = session.state;
    expect(remoteWindowSize).toBeGreaterThan(WINDOW_BYTES / 2);
    await describeEngine(session);
    expect(session.remoteSettings.initialWindowSize).toBe(WINDOW_BYTES);
  });

  it("stays HTTP/2's own where nobody asks for another", async () => {
    const session = await sessionWith();
    await describeEngine(session);
    expect(session.remoteSettings.initialWindowSize).toBe(DEFAULT_WINDOW_BYTES);
    expect(session.state.remoteWindowSize).toBeLessThanOrEqual(DEFAULT_WINDOW_BYTES);
  });
});
