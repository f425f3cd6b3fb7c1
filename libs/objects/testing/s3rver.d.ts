/** The part of s3rver that the tests use; the package has no types of its own. */
declare module 's3rver' {
  import type { IncomingMessage, ServerResponse } from 'node:http';

  interface StoredContent {
    readonly bucket: string;
    readonly key: string;
  }

  interface ObjectRange {
    start?: number;
    end?: number;
  }

  interface FilesystemStore {
    getObject(bucket: string, key: string, range?: ObjectRange): Promise<unknown>;
    putObject(object: StoredContent): Promise<unknown>;
    getResourcePath(bucket: string, key: string | undefined, resource: string): string;
  }

  export default class S3rver {
    constructor(options: { directory: string; silent: boolean; vhostBuckets: boolean });
    readonly store: FilesystemStore;
    callback(): (request: IncomingMessage, response: ServerResponse) => void;
    readonly logger: { close(): void; exceptions: { unhandle(): void } };
  }
}
