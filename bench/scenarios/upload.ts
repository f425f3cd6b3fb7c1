import { Agent } from 'node:http';
import { loadConfig } from '#config';
import { createObjectStore } from '#objects';
import { createLogger } from '#telemetry';
import { BenchMesh } from '../harness/bench-mesh.js';
import { BenchProcess } from '../harness/bench-process.js';
import { send } from '../harness/http-load.js';
import { multipart } from '../harness/multipart.js';
import { residentMb } from '../harness/process-usage.js';
import type { Figures, Scenario } from '../harness/scenario.js';

const BYTES = 2_000_000_000;
const QUICK_BYTES = 200_000_000;
const RATE = 'MB/s';
const WALL = 'wall s';
const MEMORY = 'memory growth MB';

/** How fast a large file comes in, and whether memory grows with it. */
export const upload: Scenario = {
  name: 'upload',
  title: 'One large file in a form, to 202',
  against: 'a bare HTTP server that streams the same body to the same store and inserts one row',
  goals: [
    { figure: RATE, as: 'ratio', wanted: { is: 'at least', value: 0.85 } },
    { figure: MEMORY, as: 'absolute', wanted: { is: 'at most', value: 64 } },
  ],
  growth: { figure: WALL, unit: `${BYTES / 16 / 1e6} MB` },
  budget: { quickS: 20, fullS: 120 },
  amount: (quick) => `${(quick ? QUICK_BYTES : BYTES) / 1e6} MB`,
  async open(quick) {
    const bytes = quick ? QUICK_BYTES : BYTES;
    const mesh = await BenchMesh.start({
      engines: [{ main: 'bench/bare/counting-engine.js' }],
      workers: 0,
      gateways: 1,
      redis: false,
      env: { MAX_FILE_SIZE: String(2 * BYTES) },
    });
    const bare = await BenchProcess.start('bench/bare/upload-server.js', {
      DATA_DIR: mesh.folder,
      DATABASE_URL: mesh.databaseUrl,
    });
    const config = loadConfig({ DATA_DIR: mesh.folder });
    const objects = await createObjectStore({ config, logger: createLogger('bench', 'silent') });
    const gateway = mesh.gateways[0]?.pid ?? 0;
    const agent = new Agent();
    const timed = async (url: string, length: number): Promise<{ seconds: number; answer: string }> => {
      const started = performance.now();
      const answer = await send({ url, ...multipart({ bytes: length }) }, agent);
      return { seconds: (performance.now() - started) / 1000, answer };
    };
    const take = async (length: number): Promise<Figures> => {
      const before = residentMb(gateway, 'VmRSS');
      const { seconds, answer } = await timed(`${mesh.http}/api/transcribe/jobs/transcribe`, length);
      const grown = residentMb(gateway, 'VmHWM') - before;
      const { transcript_id: id } = JSON.parse(answer) as { transcript_id: string };
      await fetch(`${mesh.http}/api/transcripts/${id}`, { method: 'DELETE' });
      return { [RATE]: length / 1e6 / seconds, [WALL]: seconds, [MEMORY]: Math.max(0, grown) };
    };
    return {
      mesh: () => take(bytes),
      grow: (times) => take((bytes * times) / 16),
      async bare(): Promise<Figures> {
        const { seconds, answer } = await timed(bare.http, bytes);
        await objects.delete((JSON.parse(answer) as { key: string }).key);
        return { [RATE]: bytes / 1e6 / seconds };
      },
      async close() {
        agent.destroy();
        await objects.close();
        await bare.stop();
        await mesh.close();
      },
    };
  },
};
