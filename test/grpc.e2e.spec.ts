import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { MeshProcess, root, sample, temporaryDataDir } from './support/mesh-process.js';

/** The gRPC form of the job API, used by the example that stands in the documents. */
describe('the gRPC example', () => {
  let data: Awaited<ReturnType<typeof temporaryDataDir>>;
  let mesh: MeshProcess;

  beforeAll(async () => {
    data = await temporaryDataDir();
    mesh = await MeshProcess.start(data.path);
  }, 300_000);

  afterAll(async () => {
    await mesh.stop();
    await data.remove();
  }, 300_000);

  it('submits a file and prints its events in order up to the end', async () => {
    const script = join(root, 'docs/examples/grpc-submit.mjs');
    const { stdout } = await promisify(execFile)(process.execPath, [script, sample('clinic-dialogue.opus'), mesh.grpc]);
    const [job, ...events] = stdout.trim().split('\n');
    expect(job).toMatch(/^job [0-9a-f-]{36}$/);
    const sequences = events.map((line) => Number(line.split(' ')[0]));
    expect(sequences).toEqual(sequences.map((_, index) => index + 1));
    const types = events.map((line) => line.split(' ')[1]);
    expect(types).toContain('delta');
    expect(types.at(-1)).toBe('completed');
  }, 300_000);
});
