import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';

/**
 * As much of the ONNX file format (onnx.proto3, IR version 10) as it takes to cut a graph out of a model: the names that
 * connect nodes are read, everything else is passed on as it is.
 */

export interface OnnxNode {
  readonly name: string;
  readonly opType: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** AttributeProto messages. */
  readonly attributes: readonly Uint8Array[];
  /** Fields that are not read here, with their tags. */
  readonly rest: readonly Uint8Array[];
}

export interface OnnxGraph {
  readonly nodes: readonly OnnxNode[];
  /** TensorProto messages by name. */
  readonly initializers: ReadonlyMap<string, Uint8Array>;
}

export interface OnnxModel {
  readonly graph: OnnxGraph;
  /** The model's fields other than the graph (versions of format and operators), with their tags. */
  readonly header: readonly Uint8Array[];
}

/** TensorProto.DataType. */
export const elementTypes = { float: 1, uint8: 2, int64: 7 } as const;

/** A graph's input or output. */
export interface OnnxValue {
  readonly name: string;
  readonly type: keyof typeof elementTypes;
  /** A number, or the name of a dimension that varies. */
  readonly shape: readonly (number | string)[];
}

/** Reads a model. The bytes are not copied: they must stay as they are. */
export function readModel(bytes: Uint8Array): OnnxModel {
  const fields = fieldsOf(bytes);
  return {
    graph: readGraph(onlyField(fields, 7)),
    header: fields.filter(({ number }) => number !== 7).map(({ raw }) => raw),
  };
}

/** The graph in a node's attribute, such as `then_branch` of an `If`. */
export function subgraph(node: OnnxNode, attribute: string): OnnxGraph {
  for (const bytes of node.attributes) {
    const fields = fieldsOf(bytes);
    if (text(onlyField(fields, 1)) === attribute) return readGraph(onlyField(fields, 6));
  }
  throw new Error(`${node.name} has no ${attribute}.`);
}

/** A node of an operator of the standard set. */
export function makeNode(
  opType: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: readonly Uint8Array[] = [],
): OnnxNode {
  return { name: `polyscribe/${outputs.join('+')}`, opType, inputs, outputs, attributes, rest: [] };
}

/** AttributeProto of an integer. */
export function integerAttribute(name: string, value: number): Uint8Array {
  const integer = 2;
  const writer = new BinaryWriter();
  writer.uint32(tag(1)).string(name);
  writer.uint32(tag(3, WireType.Varint)).int64(value);
  writer.uint32(tag(20, WireType.Varint)).int32(integer);
  return writer.finish();
}

/** AttributeProto of some integers. */
export function integersAttribute(name: string, values: readonly number[]): Uint8Array {
  const integers = 7;
  const writer = new BinaryWriter();
  writer.uint32(tag(1)).string(name);
  for (const value of values) writer.uint32(tag(8, WireType.Varint)).int64(value);
  writer.uint32(tag(20, WireType.Varint)).int32(integers);
  return writer.finish();
}

/** TensorProto of a single number, to be put among the initializers under that name. */
export function scalarTensor(name: string, type: 'float' | 'uint8', value: number): Uint8Array {
  const writer = new BinaryWriter();
  writer.uint32(tag(2, WireType.Varint)).int32(elementTypes[type]);
  if (type === 'float') writer.uint32(tag(4)).fork().float(value).join();
  else writer.uint32(tag(5)).fork().int32(value).join();
  writer.uint32(tag(8)).string(name);
  return writer.finish();
}

/** TensorProto of floats, to be put among the initializers under that name. */
export function floatTensor(name: string, dims: readonly number[], values: Float32Array): Uint8Array {
  const writer = new BinaryWriter();
  for (const size of dims) writer.uint32(tag(1, WireType.Varint)).int64(size);
  writer.uint32(tag(2, WireType.Varint)).int32(elementTypes.float).uint32(tag(8)).string(name);
  writer.uint32(tag(9)).bytes(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  return writer.finish();
}

/** The value of the `Constant` with that output, which must be a tensor of floats. */
export function constantFloats(nodes: readonly OnnxNode[], output: string): Float32Array {
  const constant = nodes.find(({ opType, outputs }) => opType === 'Constant' && outputs[0] === output);
  const [attribute = new Uint8Array()] = constant?.attributes ?? [];
  const tensor = onlyField(fieldsOf(attribute), 5);
  // Copied, since the values may lie at any address of the file.
  return new Float32Array(new Uint8Array(onlyField(fieldsOf(tensor), 9)).buffer);
}

/**
 * Writes a model with just the nodes that the outputs depend on, as far back as the inputs. Any value of the graph can be
 * named as input or output.
 *
 * @param nodes in an order in which each comes after those it depends on
 */
export function writeModel(
  header: readonly Uint8Array[],
  nodes: readonly OnnxNode[],
  initializers: ReadonlyMap<string, Uint8Array>,
  inputs: readonly OnnxValue[],
  outputs: readonly OnnxValue[],
): Uint8Array {
  const values = valuesBehind(nodes, inputs, outputs);
  const graph = [
    ...nodes
      .filter((node) => node.outputs.some((output) => values.has(output)))
      .map((node) => field(1, writeNode(node))),
    field(2, new TextEncoder().encode('polyscribe')),
    ...[...initializers].filter(([name]) => values.has(name)).map(([, tensor]) => field(5, tensor)),
    ...inputs.map((input) => field(11, writeValue(input))),
    ...outputs.map((output) => field(12, writeValue(output))),
  ].flat();
  const size = graph.reduce((sum, part) => sum + part.length, 0);
  // Put together once: the weights are most of it, and each copy on the way would be as large as the model.
  return Buffer.concat([...header, fieldHead(7, size), ...graph]);
}

/** A length-delimited field in two parts. */
function field(number: number, contents: Uint8Array): Uint8Array[] {
  return [fieldHead(number, contents.length), contents];
}

function fieldHead(number: number, length: number): Uint8Array {
  return new BinaryWriter().uint32(tag(number)).uint32(length).finish();
}

function valuesBehind(
  nodes: readonly OnnxNode[],
  inputs: readonly OnnxValue[],
  outputs: readonly OnnxValue[],
): Set<string> {
  const given = new Set(inputs.map((input) => input.name));
  const makers = new Map(nodes.flatMap((node) => node.outputs.map((output) => [output, node] as const)));
  const found = new Set<string>();
  const open = outputs.map((output) => output.name);
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (found.has(name) || given.has(name)) continue;
    found.add(name);
    open.push(...(makers.get(name)?.inputs ?? []));
  }
  return found;
}

interface Field {
  readonly number: number;
  /** Contents of a length-delimited field. */
  readonly bytes: Uint8Array | undefined;
  /** With its tag. */
  readonly raw: Uint8Array;
}

function fieldsOf(message: Uint8Array): Field[] {
  const reader = new BinaryReader(message);
  const fields: Field[] = [];
  while (reader.pos < reader.len) {
    const start = reader.pos;
    const [number, type] = reader.tag();
    const bytes = type === WireType.LengthDelimited ? reader.bytes() : undefined;
    if (!bytes) reader.skip(type, number);
    fields.push({ number, bytes, raw: message.subarray(start, reader.pos) });
  }
  return fields;
}

function readGraph(bytes: Uint8Array): OnnxGraph {
  const fields = fieldsOf(bytes);
  return {
    nodes: contents(fields, 1).map(readNode),
    initializers: new Map(contents(fields, 5).map((tensor) => [text(onlyField(fieldsOf(tensor), 8)), tensor])),
  };
}

function readNode(bytes: Uint8Array): OnnxNode {
  const fields = fieldsOf(bytes);
  return {
    inputs: contents(fields, 1).map(text),
    outputs: contents(fields, 2).map(text),
    name: contents(fields, 3).map(text).join(''),
    opType: text(onlyField(fields, 4)),
    attributes: contents(fields, 5),
    rest: fields.filter(({ number }) => number > 5).map(({ raw }) => raw),
  };
}

function writeNode(node: OnnxNode): Uint8Array {
  const writer = new BinaryWriter();
  for (const input of node.inputs) writer.uint32(tag(1)).string(input);
  for (const output of node.outputs) writer.uint32(tag(2)).string(output);
  writer.uint32(tag(3)).string(node.name).uint32(tag(4)).string(node.opType);
  for (const attribute of node.attributes) writer.uint32(tag(5)).bytes(attribute);
  for (const raw of node.rest) writer.raw(raw);
  return writer.finish();
}

function writeValue(value: OnnxValue): Uint8Array {
  const shape = new BinaryWriter();
  for (const size of value.shape) {
    shape.uint32(tag(1)).fork();
    if (typeof size === 'number') shape.uint32(tag(1, WireType.Varint)).int64(size);
    else shape.uint32(tag(2)).string(size);
    shape.join();
  }
  const tensor = new BinaryWriter();
  tensor.uint32(tag(1, WireType.Varint)).int32(elementTypes[value.type]).uint32(tag(2)).bytes(shape.finish());
  const type = new BinaryWriter().uint32(tag(1)).bytes(tensor.finish()).finish();
  return new BinaryWriter().uint32(tag(1)).string(value.name).uint32(tag(2)).bytes(type).finish();
}

function contents(fields: readonly Field[], number: number): Uint8Array[] {
  return fields.flatMap((f) => (f.number === number && f.bytes ? [f.bytes] : []));
}

function onlyField(fields: readonly Field[], number: number): Uint8Array {
  const [bytes] = contents(fields, number);
  if (!bytes) throw new Error('This is not the ONNX model that was expected.');
  return bytes;
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

function tag(field: number, type: WireType = WireType.LengthDelimited): number {
  return ((field << 3) | type) >>> 0;
}
