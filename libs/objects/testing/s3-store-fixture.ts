import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger } from '#telemetry';
import type { ContractFixture } from '#testing';
import { S3ObjectStore, type S3ObjectStoreOptions } from '../s3.object-store.js';
import { TEST_KEYS, type TestS3Server } from './s3-server.js';

export interface S3StoreFixture extends ContractFixture<S3ObjectStore> {
  readonly bucket: string;
  readonly scratchFolder: string;
  open(options?: Partial<S3ObjectStoreOptions>): S3ObjectStore;
}

/** S3 stores over one bucket of their own. */
export async function s3StoreFixture(server: TestS3Server): Promise<S3StoreFixture> {
  const scratchFolder = await mkdtemp(join(tmpdir(), 'polyscribe-scratch-'));
  const bucket = `test-${randomUUID()}`;
  const opened: S3ObjectStore[] = [];
  return {
    bucket,
    scratchFolder,
    open: (options = {}) => {
      const store = new S3ObjectStore({
        ...TEST_KEYS,
        endpoint: server.endpoint,
        bucket,
        tls: false,
        region: undefined,
        pathStyle: true,
        publicUrl: undefined,
        scratchFolder,
        logger: createLogger('test', 'silent'),
        ...options,
      });
      opened.push(store);
      return store;
    },
    dispose: async () => {
      await Promise.all(opened.map((store) => store.close()));
      await rm(scratchFolder, { recursive: true, force: true });
    },
  };
}
