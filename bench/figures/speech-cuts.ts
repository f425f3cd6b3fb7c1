import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { planSpans } from '#audio';
import { type EngineRequest, pcmBytesToMs, type TranscriptSegment } from '#contracts';
import { wordErrorRate } from '#evaluation';
import { createLogger } from '#telemetry';
import { LocalEngine } from '../../apps/engine-local/local-engine.js';
import { SpanJoints } from '../../apps/worker/span-joints.js';
import { toTranscriptSegment } from '../../apps/worker/span-segments.js';
import { sample } from '../../test/support/mesh-process.js';
import { markdownTable, surroundings } from '../harness/surroundings.js';

/**
 * Do words get lost or doubled where real speech is cut that has no pause? Takes the pauses out of the five-minute sample,
 * has the model `tiny` transcribe it in one piece and in spans, and sets the joined text beside the one-piece text. A
 * word is doubled where two stand twice in a row at a joint and not in the one-piece text.
 */
const lengths = [
  { targetMs: 30_000, minMs: 20_000, maxMs: 40_000, shortestTailMs: 10_000 },
  { targetMs: 60_000, minMs: 45_000, maxMs: 75_000, shortestTailMs: 15_000 },
];

const pcm = withoutPauses(sample('long-read.opus'));
const engine = new LocalEngine({ model: 'tiny', logger: createLogger('bench', 'silent') });
await engine.start();
try {
  const whole = (await heard(pcm, { index: 0, startMs: 0 })).map(({ text }) => text).join(' ');
  const rows: string[][] = [];
  for (const spans of lengths) rows.push(await row(whole, spans));
  const head = ['target', 'spans', 'cut in speech', 'words', 'differ', 'share', 'added', 'lost', 'doubled'];
  const length = `${(pcmBytesToMs(pcm.length) / 1000).toFixed(0)} s of speech without pauses`;
  process.stdout.write(`${surroundings()}\n${length}\n\n${markdownTable(head, rows)}\n`);
} finally {
  await engine.stop();
}

/** What is quieter than speech for a twentieth of a second is taken out. */
function withoutPauses(file: string): Buffer {
  const filter = 'silenceremove=stop_periods=-1:stop_duration=0.05:stop_threshold=-35dB';
  const output = ['-ac', '1', '-ar', '16000', '-f', 's16le', '-'];
  return execFileSync('ffmpeg', ['-v', 'error', '-i', file, '-af', filter, ...output], { maxBuffer: 64_000_000 });
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
    for (let at = 0; at < piece.length; at += 16_000) yield await Promise.resolve(piece.subarray(at, at + 16_000));
  };
  const segments: TranscriptSegment[] = [];
  const span = { ...place, endMs: place.startMs + pcmBytesToMs(piece.length), channelCount: 1 };
  for await (const event of engine.transcribe(request, audio(), new AbortController().signal)) {
    if (event.type === 'segment') segments.push(toTranscriptSegment(span, segments.length, event.segment));
  }
  return segments;
}

async function row(whole: string, spans: (typeof lengths)[number]): Promise<string[]> {
  const joints = new SpanJoints(1);
  const texts = new Map<number, readonly TranscriptSegment[]>();
  const source = async function* () {
    yield await Promise.resolve(pcm);
  };
  let cutInSpeech = 0;
  for await (const { pcm: piece, ...extent } of planSpans(source(), spans)) {
    if (extent.leadMs > 0) cutInSpeech += 1;
    const segments = await heard(piece, { index: extent.index, startMs: extent.startMs - extent.leadMs });
    await joints.settle(extent, segments, (settled) => {
      texts.set(extent.index, settled.segments);
      for (const neighbour of settled.neighbours) texts.set(neighbour.index, neighbour.segments);
      return Promise.resolve();
    });
  }
  const parts = [...texts.values()].map((segments) => segments.map(({ text }) => text).join(' '));
  const joined = parts.join(' ');
  const { wer, substitutions, insertions, deletions } = wordErrorRate(whole, joined);
  const words = whole.split(/\s+/);
  const doubled = Math.max(0, repeats(joined) - repeats(whole));
  const differ = substitutions + insertions + deletions;
  return [
    `${spans.targetMs / 1000} s`,
    ...[texts.size, cutInSpeech, words.length, differ].map(String),
    `${(100 * wer).toFixed(2)} %`,
    ...[insertions, deletions, doubled].map(String),
  ];
}

/** Words that stand twice in a row. */
function repeats(text: string): number {
  const words = text.toLowerCase().match(/[\p{L}\p{N}']+/gu) ?? [];
  return words.filter((word, at) => word === words[at - 1]).length;
}
