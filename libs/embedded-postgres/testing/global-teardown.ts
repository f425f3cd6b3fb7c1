import { FOLDER_VARIABLE, stopSharedServer } from './shared-server.js';

/** Runs once after all tests. */
export default async function globalTeardown(): Promise<void> {
  const folder = process.env[FOLDER_VARIABLE];
  if (folder !== undefined) await stopSharedServer(folder);
}
