// Submits a file by gRPC and prints the job's events as they come:
//   node docs/examples/grpc-submit.mjs FILE [host:port]
// Needs a running mesh (`npm start`) and the compiled code (`npm run setup`).
import { createReadStream } from 'node:fs';
import { basename } from 'node:path';
import { createChannel, createClient } from 'nice-grpc';
import { jobV1 } from '../../dist/libs/protos/index.js';

const [file, address = '127.0.0.1:50050'] = process.argv.slice(2);
if (file === undefined) {
  process.stderr.write('Usage: node docs/examples/grpc-submit.mjs FILE [host:port]\n');
  process.exit(1);
}

/** The options first, then the bytes, read only as fast as the server takes them. */
async function* upload() {
  yield { payload: { $case: 'options', value: { engine: 'auto', filename: basename(file) } } };
  for await (const chunk of createReadStream(file, { highWaterMark: 256 * 1024 })) {
    yield { payload: { $case: 'content', value: chunk } };
  }
}

const channel = createChannel(address);
try {
  const jobs = createClient(jobV1.JobServiceDefinition, channel);
  const { job } = await jobs.submit(upload());
  process.stdout.write(`job ${job.jobId}\n`);
  for await (const { event } of jobs.watch({ jobId: job.jobId })) {
    process.stdout.write(`${event.sequence} ${event.type} ${JSON.stringify(event.data)}\n`);
  }
} catch (error) {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
} finally {
  channel.close();
}
