import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { ApiClient, pauseMs } from './api-client.js';
import { MeshUnreachableError } from './cli-error.js';

interface Seen {
  readonly key: string | string[] | undefined;
  readonly body: string;
}

describe('a request to a mesh', () => {
  const signal = new AbortController().signal;
  let server: Server;
  let folder: string;
  let file: string;
  let seen: Seen[];
  /** What is answered, in turn; the last one again and again. */
  let answers: { status: number; body: object }[];

  beforeEach(async () => {
    seen = [];
    server = createServer((request, response) => {
      void note(request).then(() => {
        const { status, body } = (answers.length > 1 ? answers.shift() : answers[0]) ?? { status: 500, body: {} };
        response
          .writeHead(status, { 'content-type': 'application/json', 'retry-after': '1' })
          .end(JSON.stringify(body));
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    folder = await mkdtemp(join(tmpdir(), 'polyscribe-cli-'));
    file = join(folder, 'call.wav');
    await writeFile(file, 'sound'.repeat(10_000));
  });

  afterEach(async () => {
    server.closeAllConnections();
    server.close();
    await rm(folder, { recursive: true });
  });

  async function note(request: IncomingMessage): Promise<void> {
    const body = (await buffer(request)).toString();
    seen.push({ key: request.headers['idempotency-key'], body });
  }

  function submit() {
    const { port } = server.address() as AddressInfo;
    return new ApiClient(`http://127.0.0.1:${port}`).submit(file, { language: 'en' }, 'key-1', signal);
  }

  const accepted = { status: 202, body: { job_id: 'job-1', transcript_id: 'transcript-1' } };
  const away = { status: 503, body: { code: 'dependency_unavailable', detail: 'The database is away.' } };

  it('is sent again, whole and under the same key, while the database of the mesh is away', async () => {
    answers = [away, accepted];
    expect(await submit()).toEqual({ jobId: 'job-1', transcriptId: 'transcript-1' });
    expect(seen.map(({ key }) => key)).toEqual(['key-1', 'key-1']);
    expect(seen.map(({ body }) => body.split('sound').length - 1)).toEqual([10_000, 10_000]);
  });

  it('is sent six times at most', async () => {
    answers = [away];
    await expect(submit()).rejects.toThrow('The database is away. (dependency_unavailable)');
    expect(seen).toHaveLength(6);
  }, 20_000);

  it('is not sent again where no engine can do it', async () => {
    answers = [{ status: 503, body: { code: 'no_engine', detail: 'No engine speaks that.' } }, accepted];
    await expect(submit()).rejects.toThrow('No engine speaks that. (no_engine)');
    expect(seen).toHaveLength(1);
  });

  it('that is given up while it waits ends with the reason', async () => {
    answers = [away];
    const { port } = server.address() as AddressInfo;
    const left = new AbortController();
    const running = new ApiClient(`http://127.0.0.1:${port}`).submit(file, {}, 'key-1', left.signal);
    setTimeout(() => left.abort(new Error('Interrupted.')), 300);
    await expect(running).rejects.toThrow('Interrupted.');
  });

  it('that is given up while its answer is on the way still tells the job, which can be cancelled', async () => {
    const left = new AbortController();
    server.removeAllListeners('request').on('request', (request: IncomingMessage, response: ServerResponse) => {
      void note(request).then(() => {
        left.abort(new Error('Interrupted.'));
        setImmediate(() => response.writeHead(202).end(JSON.stringify(accepted.body)));
      });
    });
    const { port } = server.address() as AddressInfo;
    const running = new ApiClient(`http://127.0.0.1:${port}`).submit(file, {}, 'key-1', left.signal);
    expect(await running).toEqual({ jobId: 'job-1', transcriptId: 'transcript-1' });
  });

  it('whose answer breaks off may be sent to the next mesh', async () => {
    server.removeAllListeners('request').on('request', (request: IncomingMessage, response: ServerResponse) => {
      void note(request).then(() => {
        response.writeHead(202, { 'content-length': '100' }).write('{"job_id"', () => response.destroy());
      });
    });
    await expect(submit()).rejects.toThrow(MeshUnreachableError);
  });
});

describe('the pause before a request is sent again', () => {
  it.each([
    ['3', 3],
    ['3600', 10],
    ['-5', 1],
    ['Wed, 21 Oct 2026 07:28:00 GMT', 1],
    [null, 1],
  ])('is, after a Retry-After of %p, about %d s', (header, seconds) => {
    expect(pauseMs(header)).toBeLessThanOrEqual(seconds * 1_250);
    expect(pauseMs(header)).toBeGreaterThanOrEqual(seconds * 750);
  });
});
