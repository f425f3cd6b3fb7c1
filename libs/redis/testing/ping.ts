// A process of its own that asks Redis once and says PONG, or why not: what a process trusts is fixed when it starts.
import { createLogger } from '#telemetry';
import { RedisLink } from '../redis-link.js';

const [url = ''] = process.argv.slice(2);
const link = new RedisLink({ url, purpose: 'ping', logger: createLogger('ping', 'warn') });
process.stdout.write(
  await link.ask((client) => client.ping()).catch((error: unknown) => (error instanceof Error ? error.message : '')),
);
await link.close();
