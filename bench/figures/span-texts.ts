import { hasEnded, pcmBytesToMs, type TranscriptSegment } from '#contracts';
import { ScriptedEngine, scriptedSpeech, scriptedWords, wavFile } from '#engine-testkit';
import { wordErrorRate } from '#evaluation';
import { eventually } from '#testing';
import { Random } from '../../test/chaos/random.js';
import { TestMesh } from '../../test/support/mesh.js';
import { withTestServer } from '../../test/support/with-test-server.js';
import { markdownTable, surroundings } from '../harness/surroundings.js';

/**
 * Does a long recording get done N times as fast by N engine instances, and with the same text? An hour of scripted speech,
 * half of it without a pause to cut in, on engines that take one call at a time and work by waiting, so that the processors
 * of this machine are not what is measured. The text is set beside what was said.
 */
const MINUTES = Number(process.env['SPAN_TEXTS_MINUTES'] ?? 60);
/** Work for each second of audio. */
const WORK_MS = Number(process.env['SPAN_TEXTS_WORK_MS'] ?? 25);
const INSTANCES = [1, 2, 4, 8];
const DEADLINE_MS = 1_800_000;
/** Length of a word with the gap behind it. */
const WORD_LENGTH_MS = 360;

const random = new Random(1);
const sentences = spoken(MINUTES * 60_000);
const pcm = scriptedSpeech(sentences);
const said = sentences.flat().join(' ');
const rows = await withTestServer(async () => {
  const found: string[][] = [];
  let alone: number | undefined;
  for (const instances of INSTANCES) {
    const { seconds, segments, calls } = await transcribe(instances);
    alone ??= seconds;
    found.push(row(instances, seconds, alone, segments, calls));
  }
  return found;
});
const head = ['instances', 'wall time', 'speed-up', 'efficiency', 'calls', 'word errors', 'doubled', 'lost'];
const length = `${(pcmBytesToMs(pcm.length) / 60_000).toFixed(1)} minutes, ${said.split(' ').length} words`;
process.stdout.write(`${surroundings()}\n${length}\n\n${markdownTable(head, rows)}\n`);

/** Sentences of a few words, and in turn with them stretches of minutes without a pause. */
function spoken(totalMs: number): (typeof scriptedWords)[number][][] {
  const all: (typeof scriptedWords)[number][][] = [];
  for (let ms = 0; ms < totalMs;) {
    const words = all.length % 40 === 39 ? random.between(200, 800) : random.between(3, 12);
    all.push(Array.from({ length: words }, () => random.pick(scriptedWords)));
    ms += words * WORD_LENGTH_MS + WORD_LENGTH_MS;
  }
  return all;
}

async function transcribe(
  instances: number,
): Promise<{ seconds: number; segments: readonly TranscriptSegment[]; calls: number }> {
  const mesh = await TestMesh.start();
  try {
    const engines = Array.from(
      { length: instances },
      () => new ScriptedEngine({ workMsPerSecond: WORK_MS, capabilities: { maxConcurrency: 1 } }),
    );
    for (const engine of engines) await mesh.host(engine);
    await mesh.work();
    const job = await mesh.submit(wavFile(pcm), { wordTimestamps: true });
    const ended = async () => {
      const found = await mesh.find(job);
      return hasEnded(found.status) ? found : undefined;
    };
    const { startedAt, endedAt, status } = await eventually('the end of the job', ended, DEADLINE_MS);
    if (status !== 'completed') throw new Error(`The job ${status}.`);
    const transcript = await mesh.transcripts.findByJob(job.id);
    return {
      seconds: ((endedAt?.getTime() ?? 0) - (startedAt?.getTime() ?? 0)) / 1000,
      segments: transcript?.segments ?? [],
      calls: engines.reduce((sum, engine) => sum + engine.calls.length, 0),
    };
  } finally {
    await mesh.stop();
  }
}

function row(
  instances: number,
  seconds: number,
  alone: number,
  segments: readonly TranscriptSegment[],
  calls: number,
): string[] {
  const { wer, insertions, deletions } = wordErrorRate(said, segments.map(({ text }) => text).join(' '));
  return [
    String(instances),
    `${seconds.toFixed(1)} s`,
    (alone / seconds).toFixed(2),
    `${((100 * alone) / seconds / instances).toFixed(0)} %`,
    String(calls),
    `${(100 * wer).toFixed(2)} %`,
    String(insertions),
    String(deletions),
  ];
}
