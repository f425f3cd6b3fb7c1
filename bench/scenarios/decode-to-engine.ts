import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { MediaObject } from '#contracts';
import { BenchMesh } from '../harness/bench-mesh.js';
import { JobFeeder } from '../harness/job-feeder.js';
import { childCpuSeconds } from '../harness/process-usage.js';
import type { Figures, Scenario } from '../harness/scenario.js';
import { speechFile } from '../harness/speech-file.js';

const MINUTES = 60;
const QUICK_MINUTES = 10;
const DEADLINE_MS = 300_000;
const CPU = 'CPU s';
const WALL = 'wall s';

const run = promisify(execFile);

/** What it costs to bring a long file from the object store to an engine, beside decoding it. */
export const decodeToEngine: Scenario = {
  name: 'decode-to-engine',
  title: 'A long mp3 through a worker and gRPC to an engine that only counts samples',
  against: '`ffmpeg` alone, decoding the same file to /dev/null',
  goals: [
    { figure: CPU, as: 'ratio', wanted: { is: 'at most', value: 1.3 } },
    { figure: WALL, as: 'ratio', wanted: { is: 'at most', value: 1.2 } },
  ],
  growth: { figure: CPU, unit: `${MINUTES / 16} min of mp3` },
  budget: { quickS: 15, fullS: 120 },
  mostRounds: { quick: 2 },
  amount: (quick) => `${minutesOf(quick)} min of mp3`,
  async open(quick) {
    const mesh = await BenchMesh.start({
      engines: [{ main: 'bench/bare/counting-engine.js' }],
      workers: 1,
      gateways: 0,
      redis: false,
    });
    const feeder = await JobFeeder.open(mesh);
    const mp3 = speechFile(join(mesh.folder, 'speech.mp3'), minutesOf(quick) * 60, '-b:a', '64k');
    const media = await feeder.store(mp3, 'audio/mpeg');
    const transcribe = async (file: MediaObject): Promise<Figures> => {
      const cpu = mesh.meter('work');
      const started = Date.now();
      await feeder.submit(file);
      const ended = await feeder.allCompleted(DEADLINE_MS);
      return { [CPU]: cpu(), [WALL]: (ended - started) / 1000 };
    };
    return {
      mesh: () => transcribe(media),
      async grow(times) {
        const part = join(mesh.folder, `part-${times}.mp3`);
        const seconds = String((minutesOf(quick) * 60 * times) / 16);
        await run('ffmpeg', ['-v', 'error', '-i', mp3, '-t', seconds, '-c', 'copy', '-y', part]);
        return transcribe(await feeder.store(part, 'audio/mpeg'));
      },
      async bare(): Promise<Figures> {
        const cpu = childCpuSeconds();
        const started = performance.now();
        await run('ffmpeg', ['-v', 'error', '-i', mp3, '-ac', '1', '-ar', '16000', '-f', 's16le', '-y', '/dev/null']);
        return { [CPU]: cpu(), [WALL]: (performance.now() - started) / 1000 };
      },
      async close() {
        await feeder.close();
        await mesh.close();
      },
    };
  },
};

function minutesOf(quick: boolean): number {
  return quick ? QUICK_MINUTES : MINUTES;
}
