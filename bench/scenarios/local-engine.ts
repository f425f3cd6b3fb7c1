import { join } from 'node:path';
import { accepted, watch } from '../../test/support/api.js';
import { BenchMesh } from '../harness/bench-mesh.js';
import { BenchProcess } from '../harness/bench-process.js';
import { JobFeeder } from '../harness/job-feeder.js';
import type { Figures, Scenario } from '../harness/scenario.js';
import { speechFile } from '../harness/speech-file.js';

/** What the bare engine answers when it is given all of a recording. */
interface Spoken {
  readonly wallS: number;
  readonly audioS: number;
}

/** What it answers when it is given the first utterance alone. */
interface SpokenFirst {
  readonly firstMs: number;
}

const MODEL = 'tiny';
const ENGINE = 'apps/engine-local/main.js';
const DEADLINE_MS = 600_000;
const ASK_MS = 600_000;
const RATE = 'audio s/s';
/** Of the recording whose first words are waited for. */
const SECONDS = 30;
const WALL = 'wall s';
const FIRST = 'first text ms';

/** What the mesh takes from the embedded engine's speed. */
export const meshOverhead: Scenario = {
  name: 'mesh-overhead',
  title: `Speech through the whole mesh to engine-local (${MODEL})`,
  against: 'the same engine object called directly with PCM',
  goals: [{ figure: RATE, as: 'ratio', wanted: { is: 'at least', value: 0.97 } }],
  growth: { figure: WALL, unit: '15 s of speech' },
  budget: { quickS: 20, fullS: 130 },
  mostRounds: { quick: 2 },
  amount: (quick) => `${quick ? 1 : 4} min of speech`,
  async open(quick) {
    const seconds = quick ? 60 : 240;
    const mesh = await BenchMesh.start({
      engines: [{ main: ENGINE, env: { LOCAL_MODEL: MODEL } }],
      workers: 1,
      gateways: 0,
      redis: false,
    });
    const feeder = await JobFeeder.open(mesh);
    const file = opusFile(mesh.folder, seconds);
    const transcribe = async (path: string, length: number): Promise<Figures> => {
      const media = await feeder.store(path, 'audio/ogg');
      const started = Date.now();
      await feeder.submit(media);
      const wall = ((await feeder.allCompleted(DEADLINE_MS)) - started) / 1000;
      return { [RATE]: length / wall, [WALL]: wall };
    };
    const bare = await BenchProcess.start('bench/bare/local-engine.js', { LOCAL_MODEL: MODEL });
    return {
      mesh: () => transcribe(file, seconds),
      grow: (times) => transcribe(opusFile(mesh.folder, (seconds * times) / 16), (seconds * times) / 16),
      async bare(): Promise<Figures> {
        const { audioS, wallS } = await bare.ask<Spoken>({ file }, ASK_MS);
        return { [RATE]: audioS / wallS, [WALL]: wallS };
      },
      async close() {
        await bare.stop();
        await feeder.close();
        await mesh.close();
      },
    };
  },
};

/** How long after the upload's end the first words are there. */
export const firstText: Scenario = {
  name: 'first-text',
  title: `From the end of an upload to the first delta, engine-local (${MODEL})`,
  against: 'the same engine object called directly with the PCM of the first utterance and nothing else',
  goals: [{ figure: FIRST, as: 'difference', wanted: { is: 'at most', value: 60 } }],
  growth: { figure: FIRST, unit: '30 s of speech' },
  budget: { quickS: 20, fullS: 40 },
  mostRounds: { quick: 2 },
  amount: () => `${SECONDS} s of speech`,
  async open() {
    const mesh = await BenchMesh.start({
      engines: [{ main: ENGINE, env: { LOCAL_MODEL: MODEL } }],
      workers: 1,
      gateways: 1,
      redis: false,
    });
    const file = opusFile(mesh.folder, SECONDS);
    const bare = await BenchProcess.start('bench/bare/local-engine.js', { LOCAL_MODEL: MODEL });
    const listen = async (path: string): Promise<Figures> => {
      const job = await accepted(mesh.http, path);
      const uploaded = performance.now();
      let first = Number.NaN;
      for await (const { type } of watch(mesh.http, job.job_id)) {
        if (type === 'delta' && Number.isNaN(first)) first = performance.now() - uploaded;
      }
      return { [FIRST]: first };
    };
    return {
      mesh: () => listen(file),
      grow: (times) => listen(opusFile(mesh.folder, SECONDS * times)),
      async bare(): Promise<Figures> {
        const { firstMs } = await bare.ask<SpokenFirst>({ file, only: 'first utterance' }, ASK_MS);
        return { [FIRST]: firstMs };
      },
      async close() {
        await bare.stop();
        await mesh.close();
      },
    };
  },
};

function opusFile(folder: string, seconds: number): string {
  return speechFile(join(folder, `speech-${seconds}.ogg`), seconds, '-c:a', 'libopus', '-b:a', '24k');
}
