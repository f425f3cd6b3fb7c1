import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger } from '#telemetry';
import type { ContractFixture } from '#testing';
import { FileObjectStore } from '../file.object-store.js';
import { loadLinkSecret } from '../link-secret.js';
import { SignedLinks } from '../signed-links.js';

export interface FileStoreFixture extends ContractFixture<FileObjectStore> {
  readonly folder: string;
}

/** File stores over one temporary folder. */
export async function fileStoreFixture(Store: typeof FileObjectStore = FileObjectStore): Promise<FileStoreFixture> {
  const folder = await mkdtemp(join(tmpdir(), 'polyscribe-objects-'));
  return {
    folder,
    open: () =>
      new Store({
        folder,
        links: async () => new SignedLinks(await loadLinkSecret(folder), () => 'http://127.0.0.1:8000'),
        logger: createLogger('test', 'silent'),
      }),
    dispose: () => rm(folder, { recursive: true, force: true }),
  };
}
