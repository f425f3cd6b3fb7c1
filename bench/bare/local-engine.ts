import { execFileSync } from 'node:child_process';
import type { EngineRequest } from '#contracts';
import { createLogger } from '#telemetry';
import { LocalEngine } from '../../apps/engine-local/local-engine.js';
import { isLocalModel } from '../../apps/engine-local/model-files.js';

/**
 * The embedded engine's object alone: no mesh, no gRPC, PCM from memory. Asked over the channel to its parent with
 * `{file}`; answers `{wallS, audioS}`. With `{file, only: 'first utterance'}` the engine gets no more of the recording than
 * its first utterance and what follows it up to the next; the answer is `{firstMs}`, the time to its text. Environment:
 * `LOCAL_MODEL`.
 */
const CHUNK_BYTES = 16_000;
const BYTES_PER_MS = 32;
const model = process.env['LOCAL_MODEL'] ?? 'tiny';
if (!isLocalModel(model)) throw new Error('LOCAL_MODEL is no model.');
const engine = new LocalEngine({ model, logger: createLogger('bare', 'silent') });
await engine.start();

const request: EngineRequest = {
  requestId: 'bare',
  language: 'en',
  task: 'transcribe',
  wordTimestamps: false,
  phrases: [],
  profile: 'balanced',
  engineOptions: {},
  partialResults: false,
  onUnsupported: 'refuse',
};

/** Of each file: as much of it as holds the first utterance. */
const firstUtterances = new Map<string, Buffer>();

process.on('message', (message) => {
  const { file, only } = message as { file: string; only?: 'first utterance' };
  void (only === undefined ? transcribe(file) : firstText(file)).then(
    (figures) => process.send?.(figures),
    (error: unknown) => {
      process.stderr.write(`${String(error)}\n`);
      process.exitCode = 1;
      process.disconnect();
    },
  );
});
process.once('SIGTERM', () => {
  void engine.stop().then(() => process.disconnect());
});
process.send?.({});

async function transcribe(file: string): Promise<Record<string, number>> {
  const pcm = decoded(file);
  const started = performance.now();
  await segmentTimes(pcm);
  return { wallS: (performance.now() - started) / 1000, audioS: pcm.length / BYTES_PER_MS / 1000 };
}

async function firstText(file: string): Promise<Record<string, number>> {
  const pcm = firstUtterances.get(file) ?? (await cutFirstUtterance(decoded(file)));
  firstUtterances.set(file, pcm);
  const [first] = await segmentTimes(pcm);
  return { firstMs: first?.afterMs ?? Number.NaN };
}

/** The recording up to where its second utterance begins: so that the engine hears the pause that ends the first. */
async function cutFirstUtterance(pcm: Buffer): Promise<Buffer> {
  const [, second] = await segmentTimes(pcm);
  return second ? pcm.subarray(0, second.startMs * BYTES_PER_MS) : pcm;
}

function decoded(file: string): Buffer {
  const decode = ['-v', 'error', '-i', file, '-ac', '1', '-ar', '16000', '-f', 's16le', 'pipe:1'];
  return execFileSync('ffmpeg', decode, { maxBuffer: 1e9 });
}

/** Where the engine's segments begin in the recording, and after how long each was there. */
async function segmentTimes(pcm: Buffer): Promise<{ startMs: number; afterMs: number }[]> {
  const times: { startMs: number; afterMs: number }[] = [];
  const started = performance.now();
  for await (const event of engine.transcribe(request, chunksOf(pcm), new AbortController().signal)) {
    if (event.type !== 'segment') continue;
    times.push({ startMs: event.segment.startMs, afterMs: performance.now() - started });
  }
  return times;
}

async function* chunksOf(pcm: Buffer): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < pcm.length; at += CHUNK_BYTES) {
    yield await Promise.resolve(pcm.subarray(at, at + CHUNK_BYTES));
  }
}
