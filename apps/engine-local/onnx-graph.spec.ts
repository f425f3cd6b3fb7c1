import { constantFloats, floatTensor, makeNode, type OnnxValue, readModel, writeModel } from './onnx-graph.js';

const value = (name: string): OnnxValue => ({ name, type: 'float', shape: ['batch', 4] });
const nodes = [
  makeNode('Relu', ['in'], ['a']),
  makeNode('Add', ['a', 'weights'], ['b']),
  makeNode('Mul', ['a', 'unused weights'], ['c']),
];
/** TensorProto with nothing but its name (field 8). */
const tensor = (name: string) => Uint8Array.of(0x42, name.length, ...new TextEncoder().encode(name));
const initializers = new Map(['weights', 'unused weights'].map((name) => [name, tensor(name)]));
const irVersion = Uint8Array.of(0x08, 10);

describe('writeModel', () => {
  it('keeps only what the outputs depend on', () => {
    const { graph, header } = readModel(writeModel([irVersion], nodes, initializers, [value('in')], [value('b')]));
    expect(graph.nodes.map((node) => node.opType)).toEqual(['Relu', 'Add']);
    expect([...graph.initializers.keys()]).toEqual(['weights']);
    expect(header.map((field) => [...field])).toEqual([[...irVersion]]);
  });

  it('stops at a value in the middle that is named as input', () => {
    const { graph } = readModel(writeModel([irVersion], nodes, initializers, [value('a')], [value('b')]));
    expect(graph.nodes.map((node) => node.opType)).toEqual(['Add']);
  });
});

describe('readModel', () => {
  it('refuses what is no model', () => {
    expect(() => readModel(irVersion)).toThrow('not the ONNX model');
  });
});

describe('floatTensor', () => {
  it('holds the values that constantFloats reads', () => {
    const tensorBytes = floatTensor('weights', [2, 2], Float32Array.of(1, -2.5, 3, 0.125));
    /** AttributeProto with its tensor (field 5). */
    const attribute = Uint8Array.of(0x2a, tensorBytes.length, ...tensorBytes);
    const constants = [makeNode('Constant', [], ['other']), makeNode('Constant', [], ['weights'], [attribute])];
    expect([...constantFloats(constants, 'weights')]).toEqual([1, -2.5, 3, 0.125]);
    expect(() => constantFloats(constants, 'missing')).toThrow('not the ONNX model');
  });
});
