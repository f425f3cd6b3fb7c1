import {
  elementTypes,
  integerAttribute,
  integersAttribute,
  makeNode,
  type OnnxNode,
  type OnnxValue,
  readModel,
  scalarTensor,
  subgraph,
  writeModel,
} from './onnx-graph.js';

/** Sizes of a Moonshine model. */
export interface MoonshineShape {
  /** Decoder layers. */
  readonly layers: number;
  /** Attention heads. */
  readonly heads: number;
  /** Width of one head. */
  readonly headSize: number;
}

/** Token ids the decoder knows: 32,000 of Llama's tokenizer and some of its own. */
export const VOCABULARY = 32_768;

/** Names of the cut-out graphs' values for one layer. */
export const layerValues = {
  /** Keys of the encoded audio, turned round, `[batch, heads, headSize, audioFrames]`; out of `cross`. */
  rawKey: (layer: number) => `/model/decoder/layers.${String(layer)}/encoder_attn/Transpose_3_output_0`,
  /** Values of the encoded audio, `[batch, heads, audioFrames, headSize]`; out of `cross`. */
  rawValue: (layer: number) => `present.${String(layer)}.encoder.value`,
  /** `rawKey` times headSize to the power of -1/4; into `step`. */
  key: (layer: number) => `/model/decoder/layers.${String(layer)}/encoder_attn/Mul_1_output_0`,
  /** The same as `rawValue`; into `step`. */
  value: (layer: number) => `past_key_values.${String(layer)}.encoder.value`,
  /** Of the tokens so far, `[batch, heads, tokens, headSize]`; into and out of `step`. */
  past: (layer: number, part: 'key' | 'value') => `past_key_values.${String(layer)}.decoder.${part}`,
  present: (layer: number, part: 'key' | 'value') => `present.${String(layer)}.decoder.${part}`,
} as const;

/** Added to the attention to each frame of audio, `[batch, 1, 1, audioFrames]`: 0, or very negative for padding. */
export const AUDIO_MASK = 'audio_mask';

export interface MoonshineGraphs {
  /** `encoder_hidden_states` -> `rawKey` and `rawValue` of each layer; once per utterance. */
  readonly cross: Uint8Array;
  /** `input_ids [batch, 1]`, `key`, `value`, `past`, AUDIO_MASK -> `logits [batch, 1, VOCABULARY]`, `present`. */
  readonly step: Uint8Array;
}

/**
 * Cuts two graphs with the same weights out of the published `decoder_model_merged.onnx`.
 *
 * The file holds both kinds of step as branches of one `If`, which copies the cache of the audio out of every step, turns
 * and scales that cache's keys again in every step, and unpacks the 14 million int8 weights of the vocabulary to floats in
 * every step. Here the first is gone, the second is done once per utterance, and the last multiplies in int8 as all other
 * layers of the model do: a step of eight rows takes less than half the time. A mask lets rows of different length share
 * a batch, and each row has a scale of its own, so that its tokens do not depend on the others.
 */
export function cutMoonshineDecoder(file: Uint8Array, { layers, heads, headSize }: MoonshineShape): MoonshineGraphs {
  const model = readModel(file);
  const choice = model.graph.nodes.find((node) => node.opType === 'If');
  if (!choice) throw new Error('The decoder has no choice between first and later steps.');
  const { initializers } = model.graph;
  const each = <T>(make: (layer: number) => T[]): T[] =>
    Array.from({ length: layers }, (_, layer) => make(layer)).flat();
  const keyShape = ['batch', heads, headSize, 'audio'];
  const valueShape = ['batch', heads, 'audio', headSize];
  const float = (name: string, shape: OnnxValue['shape']): OnnxValue => ({ name, type: 'float', shape });

  const cross = writeModel(
    model.header,
    withBatchFromAudio(subgraph(choice, 'else_branch').nodes),
    initializers,
    [float('encoder_hidden_states', ['batch', 'audio', heads * headSize])],
    each((layer) => [float(layerValues.rawKey(layer), keyShape), float(layerValues.rawValue(layer), valueShape)]),
  );
  const parts = ['key', 'value'] as const;
  const step = writeModel(
    model.header,
    withScaleOfEachRow(withIntegerVocabulary(withAudioMask(subgraph(choice, 'then_branch').nodes))),
    new Map([...initializers, ...rowScaleConstants]),
    [
      { name: 'input_ids', type: 'int64', shape: ['batch', 'tokens'] },
      float(AUDIO_MASK, ['batch', 1, 1, 'audio']),
      ...each((layer) => [
        float(layerValues.key(layer), keyShape),
        float(layerValues.value(layer), valueShape),
        ...parts.map((part) => float(layerValues.past(layer, part), ['batch', heads, 'past', headSize])),
      ]),
    ],
    [
      float('logits', ['batch', 'tokens', VOCABULARY]),
      ...each((layer) =>
        parts.map((part) => float(layerValues.present(layer, part), ['batch', heads, 'all', headSize])),
      ),
    ],
  );
  return { cross, step };
}

/** The audio's keys take nothing but the batch size from the tokens' side: takes it from the audio instead. */
function withBatchFromAudio(nodes: readonly OnnxNode[]): OnnxNode[] {
  const tokensSide = /^\/model\/decoder\/layers\.\d+\/post_attention_layernorm\/Mul_output_0$/;
  const isTokensSide = (node: OnnxNode) => node.outputs.some((output) => tokensSide.test(output));
  const standIns = nodes
    .filter(isTokensSide)
    .map((node) => makeNode('Identity', ['encoder_hidden_states'], node.outputs));
  return [...standIns, ...nodes.filter((node) => !isTokensSide(node))];
}

function withAudioMask(nodes: readonly OnnxNode[]): OnnxNode[] {
  return nodes.flatMap((node) => {
    const [scores] = node.inputs;
    if (!node.name.endsWith('/encoder_attn/Softmax') || scores === undefined) return [node];
    const masked = `${scores}/masked`;
    return [makeNode('Add', [scores, AUDIO_MASK], [masked]), { ...node, inputs: [masked] }];
  });
}

/** Multiplies with the vocabulary in int8; the formats are those that the model's other layers use. */
function withIntegerVocabulary(nodes: readonly OnnxNode[]): OnnxNode[] {
  const multiply = nodes.find((node) => node.name === '/proj_out/MatMul');
  const [hidden, weights] = multiply?.inputs ?? [];
  const unpack = nodes.find((node) => node.opType === 'DequantizeLinear' && node.outputs[0] === weights);
  const [packed, scale, zeroPoint] = unpack?.inputs ?? [];
  if (hidden === undefined || packed === undefined || scale === undefined || zeroPoint === undefined) {
    throw new Error('The decoder ends in another way than expected.');
  }
  return [
    ...nodes.filter((node) => node !== multiply),
    makeNode('DynamicQuantizeLinear', [hidden], ['head/input', 'head/input_scale', 'head/input_zero']),
    makeNode('MatMulInteger', ['head/input', packed, 'head/input_zero', zeroPoint], ['head/product']),
    makeNode('Cast', ['head/product'], ['head/product_float'], [integerAttribute('to', elementTypes.float)]),
    makeNode('Mul', ['head/input_scale', scale], ['head/scale']),
    makeNode('Mul', ['head/product_float', 'head/scale'], ['logits']),
  ];
}

/** int8 values reach from -127 to 127; they are kept as uint8 around 128, and adding a half makes truncation round. */
const LARGEST = 'row/largest';
const ROUNDED_ZERO = 'row/rounded_zero';
const ZERO_POINT = 'row/zero_point';
const rowScaleConstants: readonly (readonly [string, Uint8Array])[] = [
  [LARGEST, scalarTensor(LARGEST, 'float', 127)],
  [ROUNDED_ZERO, scalarTensor(ROUNDED_ZERO, 'float', 128.5)],
  [ZERO_POINT, scalarTensor(ZERO_POINT, 'uint8', 128)],
];

/**
 * Gives each row of a batch its own int8 scale, where the published graph takes one from all rows: an utterance would get
 * other words in other company.
 */
function withScaleOfEachRow(nodes: readonly OnnxNode[]): OnnxNode[] {
  const quantizers = nodes.filter((node) => node.opType === 'DynamicQuantizeLinear');
  const scales = new Set(quantizers.map(({ outputs }) => outputs[1]));
  const inverted = new Set<string>();
  return nodes.flatMap((node) => {
    if (node.opType === 'DynamicQuantizeLinear') return quantizedByRow(node);
    const [left = '', right = '', , weightZero = ''] = node.inputs;
    if (node.opType === 'MatMulInteger') return [{ ...node, inputs: [left, right, ZERO_POINT, weightZero] }];
    const scale = node.inputs.find((input) => scales.has(input));
    if (node.opType !== 'Mul' || scale === undefined) return [node];
    const weightScale = scale === left ? right : left;
    const inverse = `${weightScale}/inverse`;
    const invert = inverted.has(inverse) ? [] : [makeNode('Reciprocal', [weightScale], [inverse])];
    inverted.add(inverse);
    // Not a product: onnxruntime 1.30 would take it for the one scale of a tensor, fuse it with the bias and give wrong sums.
    return [...invert, makeNode('Div', [scale, inverse], node.outputs)];
  });
}

function quantizedByRow({ inputs, outputs }: OnnxNode): OnnxNode[] {
  const [input = ''] = inputs;
  const [quantized = '', scale = ''] = outputs;
  const lastAxis = [integersAttribute('axes', [-1]), integerAttribute('keepdims', 1)];
  return [
    makeNode('Abs', [input], [`${quantized}/size`]),
    makeNode('ReduceMax', [`${quantized}/size`], [`${quantized}/largest`], lastAxis),
    makeNode('Div', [`${quantized}/largest`, LARGEST], [scale]),
    makeNode('Div', [input, scale], [`${quantized}/scaled`]),
    makeNode('Add', [`${quantized}/scaled`, ROUNDED_ZERO], [`${quantized}/shifted`]),
    makeNode('Cast', [`${quantized}/shifted`], [quantized], [integerAttribute('to', elementTypes.uint8)]),
  ];
}
