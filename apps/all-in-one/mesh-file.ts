import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Endpoints, ServiceDefinition } from '#service-host';

/** Name of the file in DATA_DIR by which the command line finds a mesh that runs on that folder, whatever its ports. */
const meshFileName = 'mesh.json';

/**
 * Announces the mesh's addresses in DATA_DIR for as long as it runs. It is started last, so that the file appears when
 * everything is ready. After a crash the file is stale: a reader must ask the address whether anybody is there.
 */
export const meshFile: ServiceDefinition = {
  name: 'mesh-file',
  needs: ['http', 'grpc'],
  provides: [],
  async start(context) {
    const path = join(context.config.dataDir, meshFileName);
    const endpoints: Endpoints = { http: context.endpoint('http'), grpc: context.endpoint('grpc') };
    const text = JSON.stringify({ pid: process.pid, ...endpoints });
    await writeFile(`${path}.tmp`, text, { mode: 0o600 });
    await rename(`${path}.tmp`, path);
    return {
      async stop() {
        // Another mesh may have taken over the folder since; its file is not ours to remove.
        const current = await readFile(path, 'utf8').catch(() => undefined);
        if (current === text) await rm(path, { force: true });
      },
    };
  },
};
