import { execFileSync } from 'node:child_process';
import type { EngineRequest } from '#contracts';
import { createLogger } from '#telemetry';
import { LocalEngine } from '../../apps/engine-local/local-engine.js';
import { isLocalModel } from '../../apps/engine-local/model-files.js';

/**
 * The embedded engine's object alone: no mesh, no gRPC, PCM from memory. Asked over the channel to its parent with
 * `{file}`; answers `{firstMs, wallS, audioS}`. Environment: `LOCAL_MODEL`.
 */
const CHUNK_BYTES = 16_000;
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

process.on('message', (message) => {
  const { file } = message as { file: string };
  void transcribe(file).then(
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
  const decode = ['-v', 'error', '-i', file, '-ac', '1', '-ar', '16000', '-f', 's16le', 'pipe:1'];
  const pcm = execFileSync('ffmpeg', decode, { maxBuffer: 1e9 });
  const started = performance.now();
  let firstMs = Number.NaN;
  for await (const event of engine.transcribe(request, chunksOf(pcm), new AbortController().signal)) {
    if (event.type === 'segment' && Number.isNaN(firstMs)) firstMs = performance.now() - started;
  }
  return { firstMs, wallS: (performance.now() - started) / 1000, audioS: pcm.length / 32_000 };
}

async function* chunksOf(pcm: Buffer): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < pcm.length; at += CHUNK_BYTES) {
    yield await Promise.resolve(pcm.subarray(at, at + CHUNK_BYTES));
  }
}
