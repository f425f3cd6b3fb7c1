import { Client } from 'pg';
import { waitUntil } from './wait-until.js';

/** Any number that no other part of the product uses as an advisory lock. */
const GUARD_KEY = 7_265_001;
/** How long the server may take to notice that a killed owner's connection is gone. */
const RELEASE_TIMEOUT_MS = 3_000;
const CONNECT_TIMEOUT_MS = 5_000;

/** A mark inside the server that its owner is alive: a lock that goes with the owner's connection. */
export interface Guard {
  release(): Promise<void>;
}

/**
 * The second guard of a data directory, beside the lock file: two processes that judge the same stale file in the same
 * instant meet here at the latest.
 *
 * @returns undefined when another process has it
 */
export async function takeGuard(url: string): Promise<Guard | undefined> {
  const client = new Client({
    connectionString: url,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    application_name: 'polyscribe guard',
  });
  // A connection that is lost has no say any more; the server that went with it is noticed by its owner.
  client.on('error', () => undefined);
  await client.connect();
  const taken = await waitUntil(async () => {
    const { rows } = await client.query<{ taken: boolean }>('SELECT pg_try_advisory_lock($1) AS taken', [GUARD_KEY]);
    return rows[0]?.taken === true;
  }, RELEASE_TIMEOUT_MS);
  const release = (): Promise<void> => client.end().catch(() => undefined);
  if (taken) return { release };
  await release();
  return undefined;
}
