// A process of its own that takes work, says so on its standard output, and never ends it. For tests that kill it.
import { createLogger } from '#telemetry';
import { createJobQueue } from '../index.js';

const [databaseUrl = '', name = '', redisUrl] = process.argv.slice(2);
createJobQueue({ databaseUrl, redisUrl, name, logger: createLogger('holding-consumer', 'silent') }).consume(
  1,
  async (job) => {
    process.stdout.write(`${job.jobId}\n`);
    await new Promise(() => undefined);
  },
);
