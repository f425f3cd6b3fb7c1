import { request as httpRequest } from 'node:http';
import { createHash, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { UploadRepository } from '#persistence';
import { eventually } from '#testing';
import { instanceOf } from '../../libs/routing/testing.js';
import { acceptedSchema } from './openapi/response-schemas.js';
import { type GatewayUnderTest, startGatewayUnderTest } from './testing/gateway-under-test.js';
import { silentWav } from './testing/sounds.js';
import { TusClient } from './testing/tus-client.js';

const BYTES = 1_000_000_000;
const STRETCH_BYTES = 1_000_000;

describe('a resumable upload of 1 GB', () => {
  let server: GatewayUnderTest;
  let client: TusClient;
  let uploads: UploadRepository;

  beforeAll(async () => {
    server = await startGatewayUnderTest([instanceOf('local')], { MAX_FILE_SIZE: String(BYTES) });
    client = new TusClient(server.url);
    uploads = new UploadRepository(server.database);
  });
  afterAll(() => server.stop());

  /** Sends from where the upload stands, and breaks the connection off after so many bytes. */
  async function send(path: string, offset: number, breakAt: number): Promise<void> {
    const sending = httpRequest(server.url + path, {
      method: 'PATCH',
      headers: {
        'tus-resumable': '1.0.0',
        'upload-offset': String(offset),
        'content-length': BYTES - offset,
        'content-type': 'application/offset+octet-stream',
      },
    });
    sending.on('error', () => undefined);
    const answered = once(sending, 'response').catch(() => undefined);
    let at = offset;
    while (at < breakAt) {
      const chunk = from(at).subarray(0, breakAt - at);
      at += chunk.length;
      if (!sending.write(chunk)) await once(sending, 'drain');
    }
    if (breakAt < BYTES) sending.destroy();
    else {
      sending.end();
      await answered;
    }
  }

  const head = silentWav(1).fill(0xff, 4, 8);

  /** The recording from there on, for a while. Neighbouring stretches differ: what is lost, doubled or out of place shows. */
  function from(offset: number): Buffer {
    if (offset < head.length) return head.subarray(offset);
    return Buffer.alloc(STRETCH_BYTES - (offset % STRETCH_BYTES), Math.floor(offset / STRETCH_BYTES) % 251);
  }

  function digest(): string {
    const hash = createHash('sha256');
    for (let at = 0, piece = from(0); at < BYTES; at += piece.length, piece = from(at)) hash.update(piece);
    return hash.digest('hex');
  }

  it('is resumed after five breaks, and the memory of the gateway does not grow with it', async () => {
    const id = (await client.created(BYTES, { filename: 'long.wav' })).split('/').at(-1) ?? '';
    const path = `/api/uploads/${id}`;
    let [offset, most] = [0, 0];
    const before = process.memoryUsage().rss;
    const watch = setInterval(() => (most = Math.max(most, process.memoryUsage().rss - before)), 50);
    try {
      for (const breakAt of [150, 300, 450, 600, 800, 1_000].map((megabytes) => megabytes * 1_000_000)) {
        await send(path, offset, breakAt);
        await eventually('the lock to be given back', () => uploads.lock(id, randomUUID(), 1), 60_000);
        const reached = await client.offset(path);
        expect(reached).toBeGreaterThan(breakAt - 17_000_000);
        offset = reached;
      }
      expect(offset).toBe(BYTES);
      const response = await client.submit(id);
      expect(response.status).toBe(202);
      const job = await server.jobs.find(acceptedSchema.parse(await response.json()).job_id);
      expect(job?.media).toMatchObject({ bytes: BYTES, filename: 'long.wav', sha256: digest() });
    } finally {
      clearInterval(watch);
    }
    // Client and gateway share the process: what counts is that a gigabyte leaves no trace of its size.
    expect(most).toBeLessThan(250_000_000);
  }, 180_000);
});
