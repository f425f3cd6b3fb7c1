import { execFileSync } from 'node:child_process';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { detokenize } from '../../apps/engine-local/detokenize.js';
import { isLocalModel, moonshineFiles } from '../../apps/engine-local/model-files.js';

/**
 * The published model as it is meant to be run: one utterance at a time through the encoder and the merged decoder, with
 * the runtime's own settings. Asked with `{file, cuts: [{start, end}]}` in seconds; answers `{wallS, text}`. Environment:
 * `LOCAL_MODEL`.
 */
interface Cut {
  readonly start: number;
  readonly end: number;
}

/** From the models' configuration files (Useful Sensors, moonshine/tiny and moonshine/base). */
const shapes = { tiny: { layers: 6, heads: 8, headSize: 36 }, base: { layers: 8, heads: 8, headSize: 52 } } as const;
const START_TOKEN = 1;
const END_TOKEN = 2;
const TOKENS_PER_SECOND = 6.5;
const SAMPLES_PER_SECOND = 16_000;

const model = process.env['LOCAL_MODEL'] ?? 'tiny';
if (!isLocalModel(model)) throw new Error('LOCAL_MODEL is no model.');
const shape = shapes[model];
const files = moonshineFiles(model);
const encoder = await InferenceSession.create(files.encoder);
const decoder = await InferenceSession.create(files.decoder);

process.on('message', (message) => {
  const { file, cuts } = message as { file: string; cuts: Cut[] };
  void transcribeAll(file, cuts).then(
    (answer) => process.send?.(answer),
    (error: unknown) => {
      process.stderr.write(`${String(error)}\n`);
      process.exitCode = 1;
      process.disconnect();
    },
  );
});
process.once('SIGTERM', () => process.disconnect());
process.send?.({});

async function transcribeAll(file: string, cuts: readonly Cut[]): Promise<{ wallS: number; text: string }> {
  const decode = ['-v', 'error', '-i', file, '-ac', '1', '-ar', '16000', '-f', 'f32le', 'pipe:1'];
  const bytes = execFileSync('ffmpeg', decode, { maxBuffer: 1e9 });
  const samples = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
  const started = performance.now();
  const texts: string[] = [];
  for (const { start, end } of cuts) {
    const from = Math.floor(start * SAMPLES_PER_SECOND);
    const to = Math.max(Math.ceil(end * SAMPLES_PER_SECOND), from + SAMPLES_PER_SECOND);
    texts.push(detokenize(await transcribe(samples.slice(from, to))));
  }
  return { wallS: (performance.now() - started) / 1000, text: texts.join(' ') };
}

async function transcribe(samples: Float32Array): Promise<number[]> {
  const input = new Tensor('float32', samples, [1, samples.length]);
  const { last_hidden_state: hidden } = await encoder.run({ input_values: input });
  if (!hidden) throw new Error('The encoder gave nothing.');
  const limit = Math.ceil((samples.length / SAMPLES_PER_SECOND) * TOKENS_PER_SECOND);
  const tokens: number[] = [];
  let past = emptyPast();
  while (tokens.length < limit) {
    const isLater = tokens.length > 0;
    const output: InferenceSession.OnnxValueMapType = await decoder.run({
      input_ids: new Tensor('int64', BigInt64Array.of(BigInt(tokens.at(-1) ?? START_TOKEN)), [1, 1]),
      encoder_hidden_states: hidden,
      use_cache_branch: new Tensor('bool', [isLater], [1]),
      ...past,
    });
    const token = argMax(output['logits']);
    if (token === END_TOKEN) break;
    tokens.push(token);
    past = nextPast(output, past, isLater);
  }
  return tokens;
}

function emptyPast(): Record<string, Tensor> {
  const empty = () => new Tensor('float32', new Float32Array(0), [0, shape.heads, 1, shape.headSize]);
  return Object.fromEntries(pastNames().map((name) => [`past_key_values.${name}`, empty()]));
}

/** After the first step only the decoder's own cache changes. */
function nextPast(
  output: InferenceSession.OnnxValueMapType,
  past: Record<string, Tensor>,
  isLater: boolean,
): Record<string, Tensor> {
  const next: Record<string, Tensor> = {};
  for (const name of pastNames()) {
    const kept = isLater && name.includes('.encoder.') ? past[`past_key_values.${name}`] : output[`present.${name}`];
    if (kept instanceof Tensor) next[`past_key_values.${name}`] = kept;
  }
  return next;
}

function pastNames(): string[] {
  return Array.from({ length: shape.layers }, (_, layer) =>
    ['decoder.key', 'decoder.value', 'encoder.key', 'encoder.value'].map((part) => `${layer}.${part}`),
  ).flat();
}

function argMax(logits: InferenceSession.OnnxValueMapType[string] | undefined): number {
  if (!(logits?.data instanceof Float32Array)) throw new Error('The decoder gave nothing.');
  const last = logits.data.subarray(-(logits.dims.at(-1) ?? 0));
  let best = 0;
  for (let index = 1; index < last.length; index += 1) if ((last[index] ?? 0) > (last[best] ?? 0)) best = index;
  return best;
}
