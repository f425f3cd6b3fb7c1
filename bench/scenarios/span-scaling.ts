import { join } from 'node:path';
import type { MediaObject } from '#contracts';
import { BenchMesh } from '../harness/bench-mesh.js';
import { JobFeeder } from '../harness/job-feeder.js';
import type { Figures, Goal, Scenario } from '../harness/scenario.js';
import { speechFile } from '../harness/speech-file.js';

const INSTANCES = [1, 2, 4, 8] as const;
const MOST = 8;
const MINUTES = 60;
const QUICK_MINUTES = 15;
/** Of simulated work for each second of audio: 36 s for an hour on one instance, without using a processor. */
const WORK_MS = 10;
const DEADLINE_MS = 300_000;
const WALL = 'wall s';

/**
 * Whether N engine instances do a long file N times as fast. The engines take one call at a time and work by waiting, and
 * the file is a WAV, so that neither inference nor a decoder on this machine's processors is what is measured.
 */
export const spanScaling: Scenario = {
  name: 'span-scaling',
  title: `A long WAV on 2, 4 and 8 engine instances that wait ${WORK_MS} ms for each second of audio, one call at a time`,
  against: 'the same file on 1 instance',
  goals: [2, 4, 8].flatMap((instances): Goal[] => [
    { figure: speedUp(instances), as: 'absolute' },
    { figure: efficiency(instances), as: 'absolute', wanted: { is: 'at least', value: 0.9 } },
  ]),
  growth: { figure: WALL, unit: `${MINUTES / 16} min on ${MOST} instances` },
  budget: { quickS: 35, fullS: 390 },
  mostRounds: { quick: 1 },
  amount: (quick) => `${minutesOf(quick)} min of speech`,
  async open(quick) {
    const mesh = await BenchMesh.start({
      engines: Array.from({ length: MOST }, (_, number) => ({
        main: 'bench/bare/counting-engine.js',
        env: { WORK_MS: String(WORK_MS), CALLS: '1', MODELS: modelsOf(number) },
      })),
      workers: 1,
      gateways: 0,
      redis: false,
    });
    const feeder = await JobFeeder.open(mesh);
    const store = (minutes: number): Promise<MediaObject> => {
      const path = join(mesh.folder, `speech-${minutes}.wav`);
      return feeder.store(speechFile(path, minutes * 60, '-ac', '1', '-ar', '16000'), 'audio/wav');
    };
    const media = await store(minutesOf(quick));
    const transcribe = async (file: MediaObject, instances: number): Promise<number> => {
      const started = Date.now();
      await feeder.submit(file, { model: modelFor(instances) });
      return ((await feeder.allCompleted(DEADLINE_MS)) - started) / 1000;
    };
    return {
      async mesh({ round }): Promise<Figures> {
        // One instance has little to get warm by, and takes longest.
        if (round === 0) return { [WALL]: await transcribe(media, MOST) };
        const figures: Record<string, number> = {};
        let alone = 0;
        for (const instances of INSTANCES) {
          const seconds = await transcribe(media, instances);
          if (instances === 1) alone = seconds;
          figures[speedUp(instances)] = alone / seconds;
          figures[efficiency(instances)] = alone / seconds / instances;
        }
        return figures;
      },
      async grow(times) {
        return { [WALL]: await transcribe(await store((MINUTES * times) / 16), MOST) };
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

/** Asking for a model is how a job is kept to so many of the instances. */
function modelFor(instances: number): string {
  return `of-${instances}`;
}

function modelsOf(number: number): string {
  return INSTANCES.filter((instances) => number < instances)
    .map(modelFor)
    .join(',');
}

function speedUp(instances: number): string {
  return `speed-up of ${instances}`;
}

function efficiency(instances: number): string {
  return `efficiency of ${instances}`;
}
