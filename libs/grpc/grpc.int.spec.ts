import { type ErrorCode, PolyscribeError, errorTable } from '#contracts';
import { engineV1, healthV1 } from '#protos';
import { createLogger } from '#telemetry';
import { type Channel, ClientError, Metadata, ServerError, Status, createClient } from 'nice-grpc';
import { ServerReflectionService } from 'nice-grpc-server-reflection';
import { createGrpcChannel, createGrpcClient } from './channel.js';
import { fromGrpcError } from './client-errors.js';
import { type GrpcCallContext, GrpcServer, hostAndPort } from './grpc-server.js';
import { REQUEST_ID_KEY, requestIdMetadata } from './request-id.js';

type Describe = (context: GrpcCallContext) => Promise<{ description?: { backendUri: string } }>;
type Transcribe = (
  requests: AsyncIterable<engineV1.TranscribeRequest>,
  context: GrpcCallContext,
) => AsyncGenerator<{ event?: undefined }, void>;

describe('gRPC server and client', () => {
  const cleanUps: (() => Promise<void> | void)[] = [];
  let logLines: string[];

  beforeEach(() => {
    logLines = [];
  });

  afterEach(async () => {
    for (const cleanUp of cleanUps.splice(0).toReversed()) await cleanUp();
  });

  async function serve(
    describeCall: Describe,
    transcribe?: Transcribe,
  ): Promise<{ server: GrpcServer; address: string }> {
    const logger = createLogger('test', 'info', { write: (line: string) => void logLines.push(line) });
    const server = new GrpcServer({ logger });
    server.add(engineV1.EngineServiceDefinition, {
      describe: (_request, context) => describeCall(context),
      transcribe:
        transcribe ??
        async function* nothing() {
          // No event at all.
        },
    });
    const address = await server.listen('127.0.0.1', 0);
    cleanUps.push(() => server.stop(0));
    return { server, address };
  }

  function connect(address: string): Channel {
    const channel = createGrpcChannel(address);
    cleanUps.push(() => channel.close());
    return channel;
  }

  function engineClient(address: string, unaryDeadlineMs = 10_000) {
    return createGrpcClient(engineV1.EngineServiceDefinition, connect(address), { unaryDeadlineMs });
  }

  async function errorOf(promise: Promise<unknown>): Promise<unknown> {
    try {
      await promise;
    } catch (error) {
      return error;
    }
    throw new Error('The call went well.');
  }

  const engine = { peer: 'engine', name: 'engine' } as const;
  const registry = { peer: 'dependency', name: 'engine registry' } as const;
  const answer = () => Promise.resolve({ description: { backendUri: 'ok' } });

  const asTheyAre = (code: ErrorCode): boolean => code !== 'cancelled' && code !== 'internal';

  it.each((Object.keys(errorTable) as ErrorCode[]).filter(asTheyAre))(
    'carries the code %s over the wire',
    async (code) => {
      const { address } = await serve(() => Promise.reject(new PolyscribeError(code, 'What was wrong: größer.')));
      const thrown = await errorOf(engineClient(address).describe({}));
      expect(thrown).toBeInstanceOf(ClientError);
      expect(thrown).toMatchObject({ code: Status[errorTable[code].grpcStatus] });
      expect(fromGrpcError(thrown, engine)).toMatchObject({ code, message: 'What was wrong: größer.' });
    },
  );

  it('holds what went wrong inside an engine against the engine', async () => {
    const { address } = await serve(() => Promise.reject(new PolyscribeError('internal', 'A wire came loose.')));
    const thrown = await errorOf(engineClient(address).describe({}));
    expect(fromGrpcError(thrown, engine)).toMatchObject({
      code: 'engine_bad_response',
      message: 'The engine failed. A wire came loose.',
    });
    expect(fromGrpcError(thrown, registry)).toMatchObject({ code: 'internal', message: 'A wire came loose.' });
  });

  it('carries faulty fields and the time to wait', async () => {
    const fields = [{ pointer: '/language', detail: 'must be a language tag' }];
    const { address } = await serve(() =>
      Promise.reject(new PolyscribeError('engine_busy', 'Busy.', { fields, retryAfterMs: 1500 })),
    );
    const error = fromGrpcError(await errorOf(engineClient(address).describe({})), engine);
    expect(error).toMatchObject({ code: 'engine_busy', fields, retryAfterMs: 1500 });
  });

  it('hides what it does not know from the caller and logs it with the request id', async () => {
    const { address } = await serve(() => Promise.reject(new Error('password is 1234')));
    const thrown = await errorOf(engineClient(address).describe({}, { metadata: requestIdMetadata('req-7') }));
    expect(fromGrpcError(thrown, registry)).toMatchObject({ code: 'internal' });
    expect(String(thrown)).not.toContain('1234');
    expect(logLines).toHaveLength(1);
    expect(logLines[0]).toContain('password is 1234');
    expect(logLines[0]).toContain('req-7');
  });

  it('logs nothing for an error of the table', async () => {
    const { address } = await serve(() => Promise.reject(new PolyscribeError('model_not_found', 'No such model.')));
    await errorOf(engineClient(address).describe({}));
    expect(logLines).toEqual([]);
  });

  it('gives the caller its request id back, or a new one for one that could forge a log line', async () => {
    const { address } = await serve(answer);
    const ids: (string | undefined)[] = [];
    const onHeader = (header: Metadata): void => void ids.push(header.get(REQUEST_ID_KEY));
    const client = engineClient(address);
    await client.describe({}, { metadata: requestIdMetadata('abc-1'), onHeader });
    await client.describe({}, { metadata: new Metadata().set(REQUEST_ID_KEY, 'two words'), onHeader });
    expect(ids[0]).toBe('abc-1');
    expect(ids[1]).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('calls a missing server unavailable, and blames the engine only when it is one', async () => {
    const { server, address } = await serve(answer);
    await server.stop(0);
    const thrown = await errorOf(engineClient(address).describe({}));
    expect(fromGrpcError(thrown, engine)).toMatchObject({ code: 'engine_unavailable' });
    expect(fromGrpcError(thrown, registry)).toMatchObject({ code: 'dependency_unavailable' });
  });

  it('ends a unary call at its deadline, which is not a cancel', async () => {
    const { address } = await serve(
      ({ signal }) => new Promise((resolve) => signal.addEventListener('abort', () => resolve({}))),
    );
    const thrown = await errorOf(engineClient(address, 50).describe({}));
    expect(fromGrpcError(thrown, engine)).toMatchObject({ code: 'engine_timeout' });
  });

  it('calls it cancelled when the caller cancelled, and tells the server', async () => {
    const abort = new AbortController();
    let serverSaw: (() => void) | undefined;
    const seen = new Promise<void>((resolve) => (serverSaw = resolve));
    const { address } = await serve(({ signal }) => {
      abort.abort();
      return new Promise((resolve) =>
        signal.addEventListener('abort', () => {
          serverSaw?.();
          resolve({});
        }),
      );
    });
    const thrown = await errorOf(engineClient(address).describe({}, { signal: abort.signal }));
    expect(fromGrpcError(thrown, { ...engine, signal: abort.signal })).toMatchObject({ code: 'cancelled' });
    await seen;
  });

  it('refuses a message over the limit and stays up', async () => {
    const { address } = await serve(answer, drain);
    const client = engineClient(address);
    const tooMuch = { payload: { $case: 'audio' as const, value: Buffer.alloc(5 * 1024 * 1024) } };
    const thrown = await errorOf(collect(client.transcribe(streamOf([tooMuch]))));
    expect(thrown).toMatchObject({ code: Status.RESOURCE_EXHAUSTED });
    await expect(client.describe({})).resolves.toMatchObject({ description: { backendUri: 'ok' } });
  });

  it('passes an error of the request stream on to the caller', async () => {
    const { address } = await serve(answer, drain);
    function* failing() {
      yield { payload: { $case: 'audio' as const, value: Buffer.alloc(2) } };
      throw new PolyscribeError('unsupported_media', 'Damaged.');
    }
    await expect(collect(engineClient(address).transcribe(streamOf(failing())))).rejects.toMatchObject({
      code: 'unsupported_media',
    });
  });

  it('survives error details that cannot be decoded', async () => {
    const { address } = await serve(({ trailer }) => {
      trailer.set('grpc-status-details-bin', Uint8Array.from([0xff, 0xff, 0xff]));
      return Promise.reject(new ServerError(Status.UNAVAILABLE, 'Away.'));
    });
    const thrown = await errorOf(engineClient(address).describe({}));
    expect(fromGrpcError(thrown, engine)).toMatchObject({ code: 'engine_unavailable' });
  });

  it('lets a running call finish when it stops', async () => {
    let finish: (() => void) | undefined;
    let begun: (() => void) | undefined;
    const inside = new Promise<void>((resolve) => (begun = resolve));
    const { server, address } = await serve(async () => {
      begun?.();
      await new Promise<void>((resolve) => (finish = resolve));
      return { description: { backendUri: 'done' } };
    });
    const call = engineClient(address).describe({});
    await inside;
    const stopped = server.stop(20_000);
    finish?.();
    await expect(call).resolves.toMatchObject({ description: { backendUri: 'done' } });
    await stopped;
  });

  it('breaks a call off once the grace is over; the caller, who did not cancel, sees a failure of the engine', async () => {
    let begun: (() => void) | undefined;
    const inside = new Promise<void>((resolve) => (begun = resolve));
    const { server, address } = await serve(({ signal }) => {
      begun?.();
      return new Promise((resolve) => signal.addEventListener('abort', () => resolve({})));
    });
    const call = errorOf(engineClient(address).describe({}));
    await inside;
    await server.stop(10);
    expect(fromGrpcError(await call, engine)).toMatchObject({ code: 'engine_unavailable' });
  });

  describe('health', () => {
    const { SERVING, NOT_SERVING, SERVICE_UNKNOWN } = healthV1.HealthCheckResponse_ServingStatus;
    const service = 'polyscribe.engine.v1.EngineService';

    it('answers for the server, for each service and for none it does not know', async () => {
      const { server, address } = await serve(answer);
      const client = createClient(healthV1.HealthDefinition, connect(address));
      await expect(client.check({ service: '' })).resolves.toEqual({ status: SERVING });
      await expect(client.check({ service })).resolves.toEqual({ status: SERVING });
      await expect(client.check({ service: 'nobody' })).rejects.toMatchObject({ code: Status.NOT_FOUND });
      server.health.set(service, false);
      await expect(client.check({ service })).resolves.toEqual({ status: NOT_SERVING });
    });

    it('does not lose a change that comes while the watcher is away', async () => {
      const { server } = await serve(answer);
      const context = { signal: new AbortController().signal } as GrpcCallContext;
      const watch = server.health.watch({ service }, context)[Symbol.asyncIterator]();
      await expect(watch.next()).resolves.toMatchObject({ value: { status: SERVING } });
      server.health.set(service, false);
      await expect(watch.next()).resolves.toMatchObject({ value: { status: NOT_SERVING } });
      await watch.return();
    });

    it('sends changes to watchers over the wire and ends with the server', async () => {
      const { server, address } = await serve(answer);
      const client = createClient(healthV1.HealthDefinition, connect(address));
      const seen: number[] = [];
      for await (const { status } of client.watch({ service: 'later' })) {
        seen.push(status);
        if (status === SERVICE_UNKNOWN) server.health.set('later', true);
        else if (status === SERVING) void server.stop(20_000);
      }
      expect(seen.slice(0, 2)).toEqual([SERVICE_UNKNOWN, SERVING]);
    });
  });

  describe('reflection', () => {
    it('lists the services and gives the files that describe them', async () => {
      const { address } = await serve(answer);
      const { ServerReflectionRequest } =
        await import('nice-grpc-server-reflection/lib/proto/grpc/reflection/v1/reflection_pb.js');
      const client = createClient(ServerReflectionService, connect(address));
      const services = await collect(
        client.serverReflectionInfo(streamOf([new ServerReflectionRequest().setListServices('*')])),
      );
      const names = services.flatMap((response) => response.getListServicesResponse()?.getServiceList() ?? []);
      expect(names.map((name) => name.getName())).toEqual([
        'polyscribe.engine.v1.EngineService',
        'grpc.health.v1.Health',
      ]);
      // The details of errors are in no service: clients ask for them by their names.
      const details = ['google.rpc.ErrorInfo', 'google.rpc.BadRequest'];
      for (const symbol of [...names.map((name) => name.getName()), ...details]) {
        const request = new ServerReflectionRequest().setFileContainingSymbol(symbol);
        const [response] = await collect(client.serverReflectionInfo(streamOf([request])));
        const files = response?.getFileDescriptorResponse()?.getFileDescriptorProtoList_asU8() ?? [];
        expect(files.length).toBeGreaterThan(0);
      }
    });
  });

  it('writes an IPv6 address in brackets', () => {
    expect(hostAndPort('::1', 5)).toBe('[::1]:5');
    expect(hostAndPort('127.0.0.1', 5)).toBe('127.0.0.1:5');
  });
});

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

async function* streamOf<T>(items: Iterable<T>): AsyncGenerator<T> {
  for (const item of items) yield await Promise.resolve(item);
}

async function* drain(requests: AsyncIterable<unknown>): AsyncGenerator<never, void> {
  yield* [];
  await collect(requests);
}
