import {
  constantFloats,
  floatTensor,
  integerAttribute,
  makeNode,
  type OnnxNode,
  type OnnxValue,
  readModel,
  subgraph,
  writeModel,
} from './onnx-graph.js';

/** Width of what is known of a frame, and of the model's memory. */
export const SILERO_WIDTH = 128;

/** Where the published file has the model for 16 kHz. */
const PREFIX = 'If_0_then_branch__Inline_0__';

/** Out of `features`, into `recurrent`. */
export const FEATURES = `${PREFIX}/encoder/3/activation/Relu_output_0`;

/** PyTorch keeps the gates of an LSTM in the order input, forget, cell, output; ONNX wants input, output, forget, cell. */
const GATES_IN_ORDER = [0, 3, 1, 2];

export interface SileroGraphs {
  /** `input [frames, 576]` -> FEATURES `[frames, SILERO_WIDTH, 1]`; frames know nothing of each other. */
  readonly features: Uint8Array;
  /**
   * FEATURES `[frames, rows, SILERO_WIDTH]`, `hidden` and `cell [1, rows, SILERO_WIDTH]` -> `chances [frames, 1, rows, 1]`,
   * `hidden_after` and `cell_after` as they went in; each row is a sequence of frames.
   */
  readonly recurrent: Uint8Array;
}

/**
 * Cuts the published `silero_vad_v5.onnx` in two with the same weights.
 *
 * The file takes one frame at a time and asks itself some ten questions about sizes and sample rate for each, which takes
 * longer than the arithmetic. Four fifths of the arithmetic look at single frames and can be done for many at once; what is
 * left is an LSTM, which can be given a sequence.
 */
export function cutSilero(file: Uint8Array): SileroGraphs {
  const model = readModel(file);
  const choice = model.graph.nodes.find((node) => node.opType === 'If');
  if (!choice) throw new Error('The voice activity model has no choice of sample rate.');
  const { nodes } = subgraph(choice, 'then_branch');
  const weights = recurrentWeights(nodes);
  const float = (name: string, shape: OnnxValue['shape']): OnnxValue => ({ name, type: 'float', shape });
  const memory = (name: string): OnnxValue => float(name, [1, 'rows', SILERO_WIDTH]);
  return {
    features: writeModel(
      model.header,
      nodes,
      new Map(),
      [float('input', ['frames', 'samples'])],
      [float(FEATURES, ['frames', SILERO_WIDTH, 1])],
    ),
    recurrent: writeModel(
      model.header,
      recurrentNodes,
      weights,
      [float(FEATURES, ['frames', 'rows', SILERO_WIDTH]), memory('hidden'), memory('cell')],
      [float('chances', ['frames', 1, 'rows', 1]), memory('hidden_after'), memory('cell_after')],
    ),
  };
}

const recurrentNodes: readonly OnnxNode[] = [
  makeNode(
    'LSTM',
    [FEATURES, 'input_weights', 'recurrent_weights', 'gate_biases', '', 'hidden', 'cell'],
    ['outputs', 'hidden_after', 'cell_after'],
    [integerAttribute('hidden_size', SILERO_WIDTH)],
  ),
  makeNode('Relu', ['outputs'], ['active']),
  makeNode('MatMul', ['active', 'head_weights'], ['weighted']),
  makeNode('Add', ['weighted', 'head_bias'], ['logits']),
  makeNode('Sigmoid', ['logits'], ['chances']),
];

function recurrentWeights(nodes: readonly OnnxNode[]): Map<string, Uint8Array> {
  const read = (name: string): Float32Array => constantFloats(nodes, `${PREFIX}decoder.${name}`);
  const gates = 4 * SILERO_WIDTH;
  const biases = new Float32Array(2 * gates);
  biases.set(inOrder(read('rnn.bias_ih')));
  biases.set(inOrder(read('rnn.bias_hh')), gates);
  const tensors = [
    ['input_weights', [1, gates, SILERO_WIDTH], inOrder(read('rnn.weight_ih'))],
    ['recurrent_weights', [1, gates, SILERO_WIDTH], inOrder(read('rnn.weight_hh'))],
    ['gate_biases', [1, 2 * gates], biases],
    ['head_weights', [SILERO_WIDTH, 1], read('decoder.2.weight')],
    ['head_bias', [1], read('decoder.2.bias')],
  ] as const;
  return new Map(tensors.map(([name, dims, values]) => [name, floatTensor(name, dims, values)]));
}

function inOrder(values: Float32Array): Float32Array {
  const size = values.length / GATES_IN_ORDER.length;
  const ordered = new Float32Array(values.length);
  GATES_IN_ORDER.forEach((gate, place) => ordered.set(values.subarray(gate * size, (gate + 1) * size), place * size));
  return ordered;
}
