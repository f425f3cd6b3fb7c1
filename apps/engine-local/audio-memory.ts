import { Tensor } from 'onnxruntime-node';
import { AUDIO_MASK, layerValues, type MoonshineShape } from './moonshine-graphs.js';

/** What the decoder attends to: one utterance's scaled keys `[heads, headSize, frames]` and its values `[heads, frames, headSize]`. */
export interface EncodedAudio {
  readonly frames: number;
  readonly layers: readonly { readonly key: Float32Array; readonly value: Float32Array }[];
}

/** Added to the attention to padding. Softmax makes zero of it. */
const MASKED = -1e9;

/** The encoded audio of a batch, padded to its longest row, in the form that the decoder's step takes. */
export class AudioMemory {
  private current: Record<string, Tensor>;

  constructor(
    private rows: readonly EncodedAudio[],
    private readonly shape: MoonshineShape,
  ) {
    this.current = this.assemble();
  }

  /** The step's inputs. */
  get feeds(): Readonly<Record<string, Tensor>> {
    return this.current;
  }

  /** Keeps the rows at those places; the others have ended. */
  keep(places: readonly number[]): void {
    this.rows = places.flatMap((place) => this.rows[place] ?? []);
    if (this.rows.length > 0) this.current = this.assemble();
  }

  private assemble(): Record<string, Tensor> {
    const { layers, heads, headSize } = this.shape;
    const count = this.rows.length;
    const frames = Math.max(...this.rows.map((row) => row.frames));
    const mask = new Float32Array(count * frames).fill(MASKED);
    this.rows.forEach((row, place) => mask.fill(0, place * frames, place * frames + row.frames));
    const feeds: Record<string, Tensor> = { [AUDIO_MASK]: new Tensor('float32', mask, [count, 1, 1, frames]) };
    for (let layer = 0; layer < layers; layer++) {
      const keys = new Float32Array(count * heads * headSize * frames);
      const values = new Float32Array(keys.length);
      this.rows.forEach((row, place) => {
        const encoded = row.layers[layer];
        if (!encoded) return;
        const offset = place * heads * headSize * frames;
        copyBlocks(encoded.key, row.frames, keys, frames, offset, heads * headSize);
        copyBlocks(encoded.value, row.frames * headSize, values, frames * headSize, offset, heads);
      });
      feeds[layerValues.key(layer)] = new Tensor('float32', keys, [count, heads, headSize, frames]);
      feeds[layerValues.value(layer)] = new Tensor('float32', values, [count, heads, frames, headSize]);
    }
    return feeds;
  }
}

function copyBlocks(
  source: Float32Array,
  sourceWidth: number,
  target: Float32Array,
  targetWidth: number,
  offset: number,
  blocks: number,
): void {
  for (let block = 0; block < blocks; block++) {
    const part = source.subarray(block * sourceWidth, (block + 1) * sourceWidth);
    target.set(part, offset + block * targetWidth);
  }
}

/** A tensor's floats. */
export function floats(tensor: Tensor | undefined): Float32Array<ArrayBuffer> {
  if (!(tensor?.data instanceof Float32Array)) throw new Error('The model gave no floats.');
  return tensor.data as Float32Array<ArrayBuffer>;
}
