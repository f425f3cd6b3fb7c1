import { chmod, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FOLDER_VARIABLE } from './shared-server.js';

/** Runs once before all tests: names the folder in which the first test that needs a database starts its server. */
export default async function globalSetup(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'polyscribe-test-'));
  await chmod(folder, 0o755);
  process.env[FOLDER_VARIABLE] = folder;
}
