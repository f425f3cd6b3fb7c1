import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { wordErrorRate } from '#evaluation';
import { accepted, result, type ResultBody, watch } from '../../test/support/api.js';
import { sample } from '../../test/support/mesh-process.js';
import { BenchMesh } from '../harness/bench-mesh.js';
import { BenchProcess } from '../harness/bench-process.js';
import type { Figures, Scenario } from '../harness/scenario.js';
import { speechFile } from '../harness/speech-file.js';

const ASK_MS = 600_000;
const RATE = 'audio s/s';
const WALL = 'wall s';
/** Sixteen times that are ten minutes. */
const GROWTH_SECONDS = 37.5;
const ERRORS = 'word errors %';
/** The engine gives its model 200 ms around the speech and a segment 30 ms: the loop hears the same. */
const HEARD_AROUND_S = 0.17;
const SEGMENT_EDGE_S = 0.03;
/** Enough for the loop to get warm on. */
const WARM_UP_CUTS = 4;

/** What a mesh makes of the model's speed that the plain loop does not. */
export const localThroughputTiny = localThroughput('tiny', {
  growth: { figure: WALL, unit: `${GROWTH_SECONDS} s of speech` },
  budget: { quickS: 20, fullS: 170 },
});
export const localThroughputBase = localThroughput('base', {
  growth: { none: 'that of local-throughput-tiny; only the model is another' },
  budget: { quickS: 30, fullS: 220 },
});

function localThroughput(model: 'tiny' | 'base', { growth, budget }: Pick<Scenario, 'growth' | 'budget'>): Scenario {
  return {
    name: `local-throughput-${model}`,
    title: `Read speech through the whole mesh to engine-local (${model})`,
    against: 'the model run one utterance at a time in a loop, the same utterances',
    goals: [
      { figure: RATE, as: 'ratio', wanted: { is: 'at least', value: 2.5 } },
      { figure: ERRORS, as: 'difference', wanted: { is: 'at most', value: 0.3 } },
    ],
    growth,
    budget,
    mostRounds: { quick: 1 },
    amount: (quick) => (quick ? '1 min of speech' : '5 min of speech a round'),
    async open(quick) {
      const name = quick ? 'clinic-dialogue' : 'long-read';
      const file = sample(`${name}.opus`);
      const spoken = await readFile(sample(`${name}.txt`), 'utf8');
      const mesh = await BenchMesh.start({
        engines: [{ main: 'apps/engine-local/main.js', env: { LOCAL_MODEL: model } }],
        workers: 1,
        gateways: 1,
        redis: false,
      });
      const bare = await BenchProcess.start('bench/bare/moonshine-loop.js', { LOCAL_MODEL: model });
      let cuts: readonly Cut[] = [];
      const transcribe = async (path: string): Promise<{ seconds: number; found: ResultBody }> => {
        const started = performance.now();
        const job = await accepted(mesh.http, path);
        for await (const message of watch(mesh.http, job.job_id)) if (message.type === 'completed') break;
        const seconds = (performance.now() - started) / 1000;
        return { seconds, found: await result(mesh.http, job.job_id) };
      };
      return {
        async mesh(): Promise<Figures> {
          const { seconds, found } = await transcribe(file);
          cuts = heardFor(found.segments);
          return { [RATE]: found.duration / seconds, [ERRORS]: 100 * wordErrorRate(spoken, found.text).wer };
        },
        async grow(times) {
          const path = join(mesh.folder, `speech-${times}.ogg`);
          speechFile(path, GROWTH_SECONDS * times, '-c:a', 'libopus', '-b:a', '24k');
          return { [WALL]: (await transcribe(path)).seconds };
        },
        async bare({ round }): Promise<Figures> {
          const heard = round === 0 ? cuts.slice(0, WARM_UP_CUTS) : cuts;
          const { wallS, text } = await bare.ask<{ wallS: number; text: string }>({ file, cuts: heard }, ASK_MS);
          const seconds = heard.at(-1)?.end ?? 0;
          return { [RATE]: seconds / wallS, [ERRORS]: 100 * wordErrorRate(spoken, text).wer };
        },
        async close() {
          await bare.stop();
          await mesh.close();
        },
      };
    },
  };
}

interface Cut {
  readonly start: number;
  readonly end: number;
}

/**
 * The audio that the model was given for each segment, as the engine's segmenter cuts it: never the speech before it, and
 * nothing behind the cut where somebody speaks on.
 */
function heardFor(segments: readonly Cut[]): Cut[] {
  return segments.map(({ start, end }, index) => {
    const speaksOn = (segments[index + 1]?.start ?? Infinity) - end < SEGMENT_EDGE_S;
    return {
      start: Math.max(0, start - HEARD_AROUND_S, (segments[index - 1]?.end ?? 0) - SEGMENT_EDGE_S),
      end: speaksOn ? end - SEGMENT_EDGE_S : end + HEARD_AROUND_S,
    };
  });
}
