import {
  FOLDER_VARIABLE,
  makeRunFolder,
  stopSharedServer,
} from '../../libs/embedded-postgres/testing/shared-server.js';

/** Lets programs outside Jest use what needs a test's database: starts no server before somebody asks for it. */
export async function withTestServer<T>(work: () => Promise<T>): Promise<T> {
  const folder = await makeRunFolder();
  process.env[FOLDER_VARIABLE] = folder;
  try {
    return await work();
  } finally {
    await stopSharedServer(folder);
  }
}
