import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Pool } from 'pg';
import { loadConfig } from '#config';
import { createObjectStore } from '#objects';
import { createLogger } from '#telemetry';

/**
 * The least that taking in a recording can be: an HTTP server that streams each body to the object store, as it comes, and
 * inserts one row. Keeps nothing else, checks nothing.
 */
const config = loadConfig();
const objects = await createObjectStore({ config, logger: createLogger('bare', 'silent') });
const pool = new Pool({ connectionString: config.databaseUrl, max: 10 });
await pool.query(
  'CREATE TABLE IF NOT EXISTS bare_uploads (id uuid PRIMARY KEY, key text NOT NULL, bytes bigint NOT NULL)',
);

const server = createServer((request, response) => {
  const id = randomUUID();
  const key = `media/bare-${id}`;
  const take = async (): Promise<void> => {
    const bytes = await objects.put(key, request);
    await pool.query('INSERT INTO bare_uploads (id, key, bytes) VALUES ($1, $2, $3)', [id, key, bytes]);
    response.writeHead(202, { 'content-type': 'application/json' }).end(JSON.stringify({ id, key }));
  };
  take().catch((error: unknown) => response.writeHead(500).end(String(error)));
});
server.requestTimeout = 0;
server.listen(0, '127.0.0.1', () => {
  process.send?.({ http: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
});
process.once('SIGTERM', () => {
  server.closeAllConnections();
  server.close();
  void Promise.all([pool.end(), objects.close()]).then(() => process.disconnect());
});
