import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { defaultSpanLengths, planSpans } from '#audio';
import { type EngineRequest, pcmBytesToMs, type TranscriptSegment } from '#contracts';
import { alignWords, normalizedWords, wordErrorRate } from '#evaluation';
import { createLogger } from '#telemetry';
import { LocalEngine } from '../../apps/engine-local/local-engine.js';
import { SpanJoints } from '../../apps/worker/span-joints.js';
import { toTranscriptSegment } from '../../apps/worker/span-segments.js';
import { sample } from '../../test/support/mesh-process.js';
import { markdownTable, surroundings } from '../harness/surroundings.js';

/**
 * Does cutting a recording into spans change its text? The embedded engine transcribes read speech and dialogue in one
 * piece and in spans, as recorded and with every pause taken out, so that all cuts go through speech. Words are set beside
 * those of the one-piece text: how many differ, how many of them within two seconds of a joint, and how many stand twice
 * in a row that do not in the one-piece text.
 *
 * Usage: `npm run bench -- speech-cuts [tiny|base] [minutes]`, 5 minutes of tiny by default. More than ten minutes are only
 * transcribed as recorded, in one piece and in spans of the usual length.
 */
const allLengths = [
  { targetMs: 30_000, minMs: 22_500, maxMs: 37_500, shortestTailMs: 3_750 },
  { targetMs: 60_000, minMs: 45_000, maxMs: 75_000, shortestTailMs: 7_500 },
  defaultSpanLengths,
];
const NEAR_MS = 2_000;

/** What is quieter than speech for a twentieth of a second is taken out. */
const WITHOUT_PAUSES = 'silenceremove=stop_periods=-1:stop_duration=0.05:stop_threshold=-35dB';

/** Each time round a little faster or slower, so that no two minutes of a long recording are the same. */
const tempos = [1, 0.96, 1.04, 0.92, 1.08, 0.98, 1.02, 0.94, 1.06];
const sources = ['long-read', 'clinic-dialogue'];

interface TimedWord {
  readonly word: string;
  readonly startMs: number;
  readonly endMs: number;
}

const args = process.argv.slice(2).filter((arg) => arg !== 'speech-cuts');
const model = args.includes('base') ? 'base' : 'tiny';
const minutes = Number(args.find((arg) => /^\d+$/.test(arg)) ?? 5);
const isLong = minutes > 10;
const lengths = isLong ? [defaultSpanLengths] : allLengths;
const recordings: readonly (readonly [string, readonly string[]])[] = [
  ['as recorded', []],
  ...(isLong ? [] : [['no pauses', [WITHOUT_PAUSES]] as const]),
];
const engine = new LocalEngine({ model, logger: createLogger('bench', 'silent') });
await engine.start();
try {
  const rows: string[][] = [];
  for (const [name, filters] of recordings) {
    const { pcm, spoken } = recording(filters);
    const whole = await heard(pcm, { index: 0, startMs: 0 });
    const error = percent(wordErrorRate(spoken, textOf(whole)).wer);
    for (const spans of lengths) rows.push([name, ...(await row(pcm, whole, spans, spoken)), error]);
  }
  const counts = ['spans', 'cut in speech', 'words', 'differ', 'share', 'near joints', 'doubled'];
  const head = ['recording', 'target', ...counts, 'wrong in spans', 'wrong in one piece'];
  process.stdout.write(`${surroundings()}\n${minutes} min, model ${model}\n\n${markdownTable(head, rows)}\n`);
} finally {
  await engine.stop();
}

/** The samples one after the other until there are so many minutes, and what is said in them. */
function recording(filters: readonly string[]): { pcm: Buffer; spoken: string } {
  const pieces: Buffer[] = [];
  const texts: string[] = [];
  for (let ms = 0, number = 0; ms < minutes * 60_000; number++) {
    const name = sources[number % sources.length] ?? '';
    const tempo = tempos[Math.floor(number / sources.length) % tempos.length] ?? 1;
    const chain = [...filters, `atempo=${tempo}`].join(',');
    const output = ['-ac', '1', '-ar', '16000', '-f', 's16le', '-'];
    const piece = execFileSync('ffmpeg', ['-v', 'error', '-i', sample(`${name}.opus`), '-af', chain, ...output], {
      maxBuffer: 64_000_000,
    });
    pieces.push(piece);
    texts.push(readFileSync(sample(`${name}.txt`), 'utf8'));
    ms += pcmBytesToMs(piece.length);
  }
  return { pcm: Buffer.concat(pieces), spoken: texts.join('\n') };
}

async function heard(piece: Buffer, place: { index: number; startMs: number }): Promise<TranscriptSegment[]> {
  const request: EngineRequest = {
    requestId: randomUUID(),
    language: 'en',
    task: 'transcribe',
    wordTimestamps: false,
    phrases: [],
    profile: 'balanced',
    engineOptions: {},
    partialResults: false,
    audioMs: pcmBytesToMs(piece.length),
    onUnsupported: 'warn',
  };
  const audio = async function* () {
    for (let at = 0; at < piece.length; at += 64_000) yield await Promise.resolve(piece.subarray(at, at + 64_000));
  };
  const segments: TranscriptSegment[] = [];
  const span = { ...place, endMs: place.startMs + pcmBytesToMs(piece.length), channelCount: 1 };
  for await (const event of engine.transcribe(request, audio(), new AbortController().signal)) {
    if (event.type === 'segment') segments.push(toTranscriptSegment(span, segments.length, event.segment));
  }
  return segments;
}

async function row(
  pcm: Buffer,
  whole: readonly TranscriptSegment[],
  spans: (typeof allLengths)[number],
  spoken: string,
): Promise<string[]> {
  const joints = new SpanJoints(1);
  const texts = new Map<number, readonly TranscriptSegment[]>();
  const cutsMs: number[] = [];
  const source = async function* () {
    yield await Promise.resolve(pcm);
  };
  let cutInSpeech = 0;
  for await (const { pcm: piece, ...extent } of planSpans(source(), spans)) {
    if (extent.leadMs > 0) cutInSpeech += 1;
    if (extent.startMs > 0) cutsMs.push(extent.startMs);
    const segments = await heard(piece, { index: extent.index, startMs: extent.startMs - extent.leadMs });
    await joints.settle(extent, segments, (settled) => {
      texts.set(extent.index, settled.segments);
      for (const neighbour of settled.neighbours) texts.set(neighbour.index, neighbour.segments);
      return Promise.resolve();
    });
  }
  const joined = [...texts.values()].flat();
  const [before, after] = [timedWords(whole), timedWords(joined)];
  const differing = differences(before, after);
  const near = differing.filter(({ startMs, endMs }) =>
    cutsMs.some((cutMs) => startMs - NEAR_MS < cutMs && cutMs < endMs + NEAR_MS),
  );
  const doubled = Math.max(0, repeats(after) - repeats(before));
  return [
    `${spans.targetMs / 1000} s`,
    ...[texts.size, cutInSpeech, before.length, differing.length].map(String),
    percent(differing.length / before.length),
    ...[near.length, doubled].map(String),
    percent(wordErrorRate(spoken, textOf(joined)).wer),
  ];
}

function textOf(segments: readonly TranscriptSegment[]): string {
  return segments.map(({ text }) => text).join(' ');
}

/** Each word with the time of its segment. */
function timedWords(segments: readonly TranscriptSegment[]): TimedWord[] {
  return segments.flatMap(({ text, startMs, endMs }) =>
    normalizedWords(text).map((word) => ({ word, startMs, endMs })),
  );
}

/** One for each word that was replaced, added or lost. */
function differences(before: readonly TimedWord[], after: readonly TimedWord[]): TimedWord[] {
  const pairs = alignWords(
    before.map(({ word }) => word),
    after.map(({ word }) => word),
  );
  return pairs.flatMap(({ first, second }) => {
    const [was, is] = [at(before, first), at(after, second)];
    return was?.word === is?.word ? [] : [is ?? was].filter((word) => word !== undefined);
  });
}

function at(words: readonly TimedWord[], index: number | undefined): TimedWord | undefined {
  return index === undefined ? undefined : words[index];
}

function repeats(words: readonly TimedWord[]): number {
  return words.filter(({ word }, index) => word === words[index - 1]?.word).length;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(2)} %`;
}
