import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import S3rver from 's3rver';

/** The one pair of keys that s3rver knows. */
export const TEST_KEYS = { accessKey: 'S3RVER', secretKey: 'S3RVER' };

/** Says whether it has dealt with the request; otherwise it is served. */
export type Interceptor = (request: IncomingMessage, response: ServerResponse) => boolean;

export interface TestS3Server {
  /** host:port */
  readonly endpoint: string;
  /** `METHOD /path?query` of every request, in order. */
  readonly requests: string[];
  /** Set to make requests fail. */
  intercept: Interceptor;
  /** Makes all unfinished multipart uploads look as old as that. */
  ageUploads(bucket: string, ageMs: number): Promise<void>;
  /** Number of multipart uploads that are neither completed nor aborted. */
  unfinishedUploads(bucket: string): Promise<number>;
  close(): Promise<void>;
}

/**
 * s3rver on a free port, with what it lacks beside S3: it can neither abort nor list multipart uploads, writes objects in
 * place where S3 replaces them at once, and takes the range 0-0 for everything.
 */
export async function startS3Server(): Promise<TestS3Server> {
  const directory = await mkdtemp(join(tmpdir(), 'polyscribe-s3-'));
  const s3rver = new S3rver({ directory, silent: true, vhostBuckets: false });
  mendStore(s3rver);
  const serve = s3rver.callback();
  const uploadsOf = (bucket: string) => dirname(join(s3rver.store.getResourcePath(bucket, undefined, 'uploads'), 'x'));
  const state: { requests: string[]; intercept: Interceptor } = { requests: [], intercept: () => false };

  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://s3');
    state.requests.push(`${request.method ?? ''} ${url.pathname}${url.search}`);
    if (state.intercept(request, response)) return;
    const [, bucket = ''] = url.pathname.split('/');
    const uploadId = url.searchParams.get('uploadId');
    if (request.method === 'DELETE' && uploadId !== null) {
      void answerAbort(join(uploadsOf(bucket), uploadId), response);
    } else if (request.method === 'GET' && url.searchParams.has('uploads')) {
      void answerList(uploadsOf(bucket), response);
    } else {
      serve(request, response);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;

  return Object.assign(state, {
    endpoint: `127.0.0.1:${String(port)}`,
    ageUploads: async (bucket: string, ageMs: number) => {
      const then = new Date(Date.now() - ageMs);
      for (const id of await readdir(uploadsOf(bucket))) await utimes(join(uploadsOf(bucket), id, 'key'), then, then);
    },
    unfinishedUploads: async (bucket: string) => (await readdir(uploadsOf(bucket)).catch(() => [])).length,
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
      s3rver.logger.exceptions.unhandle();
      s3rver.logger.close();
      await rm(directory, { recursive: true, force: true });
    },
  });
}

function mendStore({ store }: S3rver): void {
  const getObject = store.getObject.bind(store);
  store.getObject = (bucket, key, range) =>
    // An `end` of 0 counts as none there, as it is falsy; in a box it is not.
    getObject(bucket, key, range?.end === 0 ? { ...range, end: Object(0) as number } : range);
  const putObject = store.putObject.bind(store);
  store.putObject = async (object) => {
    const { bucket, key } = object;
    const draft = `.draft/${randomUUID()}`;
    const result = await putObject(Object.assign(Object.create(object) as typeof object, { key: draft }));
    for (const resource of ['object', 'object.md5', 'metadata.json']) {
      const path = store.getResourcePath(bucket, key, resource);
      await mkdir(dirname(path), { recursive: true });
      await rename(store.getResourcePath(bucket, draft, resource), path);
    }
    return result;
  };
}

async function answerAbort(folder: string, response: ServerResponse): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  response.writeHead(204).end();
}

async function answerList(folder: string, response: ServerResponse): Promise<void> {
  const ids = await readdir(folder).catch(() => []);
  const uploads = await Promise.all(
    ids.map(async (id) => {
      const path = join(folder, id, 'key');
      const [key, { mtime }] = await Promise.all([readFile(path, 'utf8'), stat(path)]);
      return `<Upload><Key>${key}</Key><UploadId>${id}</UploadId><Initiated>${mtime.toISOString()}</Initiated></Upload>`;
    }),
  );
  response
    .writeHead(200, { 'content-type': 'application/xml' })
    .end(
      `<ListMultipartUploadsResult><IsTruncated>false</IsTruncated>${uploads.join('')}</ListMultipartUploadsResult>`,
    );
}
