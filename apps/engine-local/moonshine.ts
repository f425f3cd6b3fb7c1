import { readFile } from 'node:fs/promises';
import { SAMPLE_RATE_HZ } from '#contracts';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { AudioMemory, type EncodedLayer, floats } from './audio-memory.js';
import type { RecognitionResult, RecognitionStop } from './inference-task.js';
import { type LocalModel, moonshineFiles } from './model-files.js';
import { cutMoonshineDecoder, layerValues, type MoonshineShape, VOCABULARY } from './moonshine-graphs.js';
import { findRepetition } from './repetition-guard.js';
import { sessionOptions } from './session-options.js';

/** From the models' configuration files (Useful Sensors, moonshine/tiny and moonshine/base). */
const shapes: Readonly<Record<LocalModel, MoonshineShape>> = {
  tiny: { layers: 6, heads: 8, headSize: 36 },
  base: { layers: 8, heads: 8, headSize: 52 },
};

const START_TOKEN = 1;
const END_TOKEN = 2;

/** The model card gives 6.5 tokens a second as the most that speech needs. The constant is for very short utterances. */
const TOKENS_PER_SECOND = 6.5;
const EXTRA_TOKENS = 6;

/** Under a second the encoder has too little to look at and words are made up: shorter audio is filled up with silence. */
const MIN_SAMPLES = SAMPLE_RATE_HZ;

interface Row {
  readonly tokens: number[];
  readonly limit: number;
  stop: RecognitionStop | undefined;
}

/** Moonshine (Jeffries et al. 2024, arXiv:2410.15608): utterances to tokens, greedily. */
export class Moonshine {
  private constructor(
    private readonly shape: MoonshineShape,
    private readonly encoder: InferenceSession,
    private readonly cross: InferenceSession,
    private readonly decoder: InferenceSession,
  ) {}

  static async load(model: LocalModel): Promise<Moonshine> {
    const files = moonshineFiles(model);
    const shape = shapes[model];
    const graphs = cutMoonshineDecoder(await readFile(files.decoder), shape);
    return new Moonshine(
      shape,
      await InferenceSession.create(files.encoder, sessionOptions({ arena: false })),
      await InferenceSession.create(graphs.cross, sessionOptions({ arena: false })),
      await InferenceSession.create(graphs.step, sessionOptions({ arena: true })),
    );
  }

  /**
   * @param utterances samples in -1..1, of any length
   * @param cancelled asked before each utterance is encoded and before each step; when true the work is dropped
   */
  async run(utterances: readonly Float32Array[], cancelled: () => boolean): Promise<RecognitionResult | undefined> {
    if (utterances.length === 0) return { kind: 'recognition', rows: [] };
    const rows = utterances.map((samples): Row => {
      const limit = Math.ceil((samples.length / SAMPLE_RATE_HZ) * TOKENS_PER_SECOND) + EXTRA_TOKENS;
      return { tokens: [], limit, stop: undefined };
    });
    const memory = await this.encodeAll(utterances, cancelled);
    if (!memory || !(await this.decode(memory, rows, cancelled))) return undefined;
    return { kind: 'recognition', rows: rows.map(({ tokens, stop }) => ({ tokens, stop: stop ?? 'end' })) };
  }

  async release(): Promise<void> {
    await Promise.all([this.encoder.release(), this.cross.release(), this.decoder.release()]);
  }

  /**
   * One utterance at a time: each is a large matrix already, so that a batch would gain nothing and need more memory. The
   * longest goes first, since it says how many frames a row must hold.
   */
  private async encodeAll(
    utterances: readonly Float32Array[],
    cancelled: () => boolean,
  ): Promise<AudioMemory | undefined> {
    const longestFirst = [...utterances.entries()].sort(([, a], [, b]) => b.length - a.length);
    let memory: AudioMemory | undefined;
    for (const [row, samples] of longestFirst) {
      if (cancelled()) return undefined;
      const { frames, layers } = await this.encode(samples);
      memory ??= new AudioMemory(utterances.length, frames, this.shape);
      memory.write(row, frames, layers);
    }
    return memory;
  }

  private async encode(samples: Float32Array): Promise<{ frames: number; layers: EncodedLayer[] }> {
    const padded = samples.length < MIN_SAMPLES ? new Float32Array(MIN_SAMPLES) : samples;
    if (padded !== samples) padded.set(samples);
    const input = new Tensor('float32', padded, [1, padded.length]);
    const { last_hidden_state: hidden } = await this.encoder.run({ input_values: input });
    if (!hidden) throw new Error('The encoder gave nothing.');
    const output = await this.cross.run({ encoder_hidden_states: hidden });
    const layers = Array.from({ length: this.shape.layers }, (_, layer) => ({
      key: scaled(floats(output[layerValues.rawKey(layer)]), this.shape.headSize ** -0.25),
      value: floats(output[layerValues.rawValue(layer)]),
    }));
    return { frames: hidden.dims[1] ?? 0, layers };
  }

  /** Fills in the rows' tokens; false when cancelled. Rows that have ended leave the batch. */
  private async decode(memory: AudioMemory, rows: readonly Row[], cancelled: () => boolean): Promise<boolean> {
    let active = [...rows];
    let past = this.emptyPast(active.length);
    let audio = memory.feeds();
    while (active.length > 0) {
      if (cancelled()) return false;
      const last = active.map((row) => BigInt(row.tokens.at(-1) ?? START_TOKEN));
      const output = await this.decoder.run({
        input_ids: new Tensor('int64', BigInt64Array.from(last), [active.length, 1]),
        ...audio,
        ...past,
      });
      const logits = floats(output['logits']);
      active.forEach((row, place) => takeToken(row, logits, place));
      const kept = active.flatMap((row, place) => (row.stop === undefined ? [place] : []));
      past = this.nextPast(output, active.length, kept);
      if (kept.length < active.length) {
        memory.keep(kept);
        audio = memory.feeds();
      }
      active = active.filter((row) => row.stop === undefined);
    }
    return true;
  }

  private emptyPast(rows: number): Record<string, Tensor> {
    const { heads, headSize } = this.shape;
    return this.eachPast((layer, part) => [
      layerValues.past(layer, part),
      new Tensor('float32', new Float32Array(0), [rows, heads, 0, headSize]),
    ]);
  }

  private nextPast(output: InferenceSession.OnnxValueMapType, rows: number, kept: number[]): Record<string, Tensor> {
    return this.eachPast((layer, part) => {
      const tensor = output[layerValues.present(layer, part)];
      if (!tensor) throw new Error('The decoder gave no cache.');
      return [layerValues.past(layer, part), kept.length === rows ? tensor : keepRows(tensor, rows, kept)];
    });
  }

  private eachPast(make: (layer: number, part: 'key' | 'value') => [string, Tensor]): Record<string, Tensor> {
    const layers = Array.from({ length: this.shape.layers }, (_, layer) => layer);
    return Object.fromEntries(layers.flatMap((layer) => [make(layer, 'key'), make(layer, 'value')]));
  }
}

function scaled(values: Float32Array, factor: number): Float32Array {
  for (let i = 0; i < values.length; i++) values[i] = (values[i] ?? 0) * factor;
  return values;
}

/** The rows of a tensor's first dimension at those places. */
function keepRows(tensor: Tensor, rows: number, kept: readonly number[]): Tensor {
  const data = floats(tensor);
  const width = data.length / rows;
  const result = new Float32Array(kept.length * width);
  kept.forEach((place, i) => result.set(data.subarray(place * width, (place + 1) * width), i * width));
  return new Tensor('float32', result, [kept.length, ...tensor.dims.slice(1)]);
}

function takeToken(row: Row, logits: Float32Array, place: number): void {
  const token = indexOfLargest(logits, place * VOCABULARY, (place + 1) * VOCABULARY);
  if (token === END_TOKEN) {
    row.stop = 'end';
    return;
  }
  row.tokens.push(token);
  const keep = findRepetition(row.tokens);
  if (keep !== undefined) {
    row.tokens.length = keep;
    row.stop = 'repetition';
  } else if (row.tokens.length >= row.limit) {
    row.stop = 'limit';
  }
}

/** Counted from `start`. */
function indexOfLargest(values: Float32Array, start: number, end: number): number {
  let best = start;
  let largest = -Infinity;
  for (let i = start; i < end; i++) {
    const value = values[i] ?? -Infinity;
    if (value > largest) {
      largest = value;
      best = i;
    }
  }
  return best - start;
}
