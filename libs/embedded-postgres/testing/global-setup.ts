import { FOLDER_VARIABLE, makeRunFolder } from './shared-server.js';

/** Runs once before all tests: names the folder in which the first test that needs a database starts its server. */
export default async function globalSetup(): Promise<void> {
  process.env[FOLDER_VARIABLE] = await makeRunFolder();
}
