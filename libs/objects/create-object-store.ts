import { join } from 'node:path';
import type { Config } from '#config';
import type { Logger } from '#telemetry';
import { FileObjectStore } from './file.object-store.js';
import { loadLinkSecret } from './link-secret.js';
import type { ObjectStore } from './object-store.port.js';
import { SignedLinks } from './signed-links.js';

export interface ObjectStoreSettings {
  readonly config: Config;
  readonly logger: Logger;
  /**
   * Where clients reach the REST API, for the links that `presign` makes; asked each time, as the port may be known only
   * after the server has started. Only who presigns needs it.
   */
  readonly publicUrl?: () => string;
}

/** The object store that the configuration asks for. */
export async function createObjectStore(settings: ObjectStoreSettings): Promise<ObjectStore> {
  const { config, logger } = settings;
  if (config.s3) {
    // Loaded where it is used: the client of a service that is not configured should not slow the start.
    const { S3ObjectStore } = await import('./s3.object-store.js');
    return new S3ObjectStore({ ...config.s3, scratchFolder: join(config.dataDir, 'scratch'), logger });
  }
  let links: Promise<SignedLinks> | undefined;
  return new FileObjectStore({
    folder: objectFolder(config),
    links: () =>
      (links ??= loadSignedLinks(settings).catch((error: unknown) => {
        links = undefined;
        throw error;
      })),
    logger,
  });
}

/** What signs and checks the links to `/api/media`; all processes with one data folder share its secret. */
export async function loadSignedLinks(
  settings: Pick<ObjectStoreSettings, 'config' | 'publicUrl'>,
): Promise<SignedLinks> {
  const publicUrl = settings.publicUrl;
  if (!publicUrl) throw new Error('Signed links need the public URL of the REST API.');
  return new SignedLinks(await loadLinkSecret(objectFolder(settings.config)), publicUrl);
}

function objectFolder(config: Config): string {
  return join(config.dataDir, 'objects');
}
