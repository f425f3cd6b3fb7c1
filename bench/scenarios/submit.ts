import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BenchMesh } from '../harness/bench-mesh.js';
import { BenchProcess } from '../harness/bench-process.js';
import { load } from '../harness/http-load.js';
import { multipart } from '../harness/multipart.js';
import type { Figures, Scenario } from '../harness/scenario.js';
import { speechFile } from '../harness/speech-file.js';
import { quantile } from '../harness/statistics.js';

const CLIENTS = 16;
const SECONDS = 10;
/** Of each client, at the beginning of the growth. */
const GROWTH_CLIPS = 4;
const P50 = 'p50 ms';
const P99 = 'p99 ms';
const WALL = 'wall s';

/** How long a client waits for 202. */
export const submit: Scenario = {
  name: 'submit',
  title: `A ${SECONDS} s clip from the first byte to 202, ${CLIENTS} clients`,
  against: 'a bare HTTP server that streams the same body to the same store and inserts one row',
  goals: [
    { figure: P50, as: 'ratio', wanted: { is: 'at most', value: 1.5 } },
    { figure: P99, as: 'ratio', wanted: { is: 'at most', value: 2 } },
  ],
  growth: { figure: WALL, unit: `${CLIENTS * GROWTH_CLIPS} clips` },
  budget: { quickS: 15, fullS: 60 },
  amount: (quick) => `${CLIENTS * perClient(quick)} clips`,
  async open(quick) {
    const mesh = await BenchMesh.start({
      engines: [{ main: 'bench/bare/counting-engine.js' }],
      workers: 0,
      gateways: 1,
      redis: false,
    });
    const bare = await BenchProcess.start('bench/bare/upload-server.js', {
      DATA_DIR: mesh.folder,
      DATABASE_URL: mesh.databaseUrl,
    });
    const clip = await readFile(speechFile(join(mesh.folder, 'clip.ogg'), SECONDS, '-c:a', 'libopus', '-b:a', '24k'));
    const form = multipart(clip);
    const run = async (url: string, clips: number): Promise<Figures> => {
      const started = performance.now();
      const times = await load({ url, ...form }, CLIENTS, clips);
      return {
        [P50]: quantile(times, 0.5),
        [P99]: quantile(times, 0.99),
        [WALL]: (performance.now() - started) / 1000,
      };
    };
    const url = `${mesh.http}/api/transcribe/jobs/transcribe`;
    return {
      mesh: () => run(url, perClient(quick)),
      bare: () => run(bare.http, perClient(quick)),
      grow: (times) => run(url, GROWTH_CLIPS * times),
      async close() {
        await bare.stop();
        await mesh.close();
      },
    };
  },
};

function perClient(quick: boolean): number {
  return quick ? 10 : 30;
}
