import { Tensor } from 'onnxruntime-node';
import { AUDIO_MASK, layerValues, type MoonshineShape } from './moonshine-graphs.js';

/** One layer's scaled keys `[heads, headSize, frames]` and values `[heads, frames, headSize]` of one utterance. */
export interface EncodedLayer {
  readonly key: Float32Array;
  readonly value: Float32Array;
}

/** Added to the attention to padding. Softmax makes zero of it. */
const MASKED = -1e9;

/**
 * Rows are filled up to a multiple of it. The runtime adds up the attention to frames in as many lanes as the processor
 * has, and what is left over one by one: with nothing left over a row gives the same sum, to the last bit, however long
 * the longest row of its batch is. A bit is enough for another word.
 */
const FRAMES_UNIT = 64;

/**
 * The encoded audio of a batch, in the form that the decoder's step takes: what it attends to. It is most of the memory
 * that a batch needs, about 1 MB for each second of a row with the base model, so it is allocated once: rows are written into it and those
 * that stay are moved together in place.
 */
export class AudioMemory {
  private readonly keys: Float32Array[];
  private readonly values: Float32Array[];
  private readonly mask: Float32Array;
  private readonly frames: number;
  private rows: number;

  /** @param longest frames of the longest row */
  constructor(
    rows: number,
    longest: number,
    private readonly shape: MoonshineShape,
  ) {
    this.rows = rows;
    this.frames = FRAMES_UNIT * Math.ceil(longest / FRAMES_UNIT);
    const layer = () => new Float32Array(rows * this.rowWidth);
    this.keys = Array.from({ length: shape.layers }, layer);
    this.values = Array.from({ length: shape.layers }, layer);
    this.mask = new Float32Array(rows * this.frames).fill(MASKED);
  }

  /** Writes a row of up to `frames` frames. */
  write(row: number, frames: number, layers: readonly EncodedLayer[]): void {
    const { heads, headSize } = this.shape;
    const offset = row * this.rowWidth;
    this.mask.fill(0, row * this.frames, row * this.frames + frames);
    layers.forEach(({ key, value }, layer) => {
      copyBlocks(key, frames, this.keys[layer], this.frames, offset, heads * headSize);
      copyBlocks(value, frames * headSize, this.values[layer], this.frames * headSize, offset, heads);
    });
  }

  /** Keeps the rows at those places, in rising order; the others have ended. */
  keep(places: readonly number[]): void {
    places.forEach((place, row) => {
      if (place === row) return;
      for (const data of [...this.keys, ...this.values]) moveRow(data, place, row, this.rowWidth);
      moveRow(this.mask, place, row, this.frames);
    });
    this.rows = places.length;
  }

  /** The step's inputs. They hold until the next `keep`. */
  feeds(): Record<string, Tensor> {
    const { heads, headSize } = this.shape;
    const { rows, frames } = this;
    const feeds: Record<string, Tensor> = { [AUDIO_MASK]: tensorOf(this.mask, [rows, 1, 1, frames]) };
    this.keys.forEach((data, layer) => {
      feeds[layerValues.key(layer)] = tensorOf(data, [rows, heads, headSize, frames]);
    });
    this.values.forEach((data, layer) => {
      feeds[layerValues.value(layer)] = tensorOf(data, [rows, heads, frames, headSize]);
    });
    return feeds;
  }

  private get rowWidth(): number {
    return this.shape.heads * this.shape.headSize * this.frames;
  }
}

/** A tensor over the first part of the data. */
function tensorOf(data: Float32Array, dims: readonly number[]): Tensor {
  return new Tensor(
    'float32',
    data.subarray(
      0,
      dims.reduce((product, size) => product * size),
    ),
    dims,
  );
}

function moveRow(data: Float32Array, from: number, to: number, width: number): void {
  data.copyWithin(to * width, from * width, (from + 1) * width);
}

function copyBlocks(
  source: Float32Array,
  sourceWidth: number,
  target: Float32Array | undefined,
  targetWidth: number,
  offset: number,
  blocks: number,
): void {
  for (let block = 0; block < blocks; block++) {
    target?.set(source.subarray(block * sourceWidth, (block + 1) * sourceWidth), offset + block * targetWidth);
  }
}

/** A tensor's floats. */
export function floats(tensor: Tensor | undefined): Float32Array<ArrayBuffer> {
  if (!(tensor?.data instanceof Float32Array)) throw new Error('The model gave no floats.');
  return tensor.data as Float32Array<ArrayBuffer>;
}
