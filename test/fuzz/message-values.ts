import {
  createFileRegistry,
  type DescField,
  type DescMessage,
  type DescMethod,
  fromBinary,
  ScalarType,
} from '@bufbuild/protobuf';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import * as fc from 'fast-check';
import { readDescriptorSet } from '#protos';
import { silentWav } from '../../apps/gateway/testing/sounds.js';
import { hostileText } from './schema-values.js';

/** Messages inside messages are made up to that depth. */
const DEEPEST = 3;

/** The methods of one of our services. */
export async function methodsOf(service: string): Promise<readonly DescMethod[]> {
  const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, await readDescriptorSet()));
  const description = registry.getService(service);
  if (!description) throw new Error(`There is no service ${service}.`);
  return description.methods;
}

/** The encoded messages of a call: of the right type, and now and then of none. */
export function messagesFor(method: DescMethod): fc.Arbitrary<Uint8Array[]> {
  const message = fc.oneof(
    { weight: 8, arbitrary: messageOf(method.input, 0) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 60 }) },
  );
  const streamed = method.methodKind === 'client_streaming' || method.methodKind === 'bidi_streaming';
  return streamed ? fc.array(message, { maxLength: 4 }) : message.map((one) => [one]);
}

function messageOf(type: DescMessage, depth: number): fc.Arbitrary<Uint8Array> {
  const fields = depth < DEEPEST ? type.fields : type.fields.filter(({ fieldKind }) => fieldKind === 'scalar');
  const chosen = fc.subarray(fields, { maxLength: Math.min(fields.length, 6) });
  return chosen.chain((some) =>
    fc.tuple(...some.map((field) => fieldOf(field, depth))).map((parts) => new Uint8Array(Buffer.concat(parts))),
  );
}

function fieldOf(field: DescField, depth: number): fc.Arbitrary<Uint8Array> {
  const one = entryOf(field, depth);
  if (field.fieldKind !== 'list' && field.fieldKind !== 'map') return one;
  return fc.array(one, { maxLength: 3 }).map((entries) => new Uint8Array(Buffer.concat(entries)));
}

function entryOf(field: DescField, depth: number): fc.Arbitrary<Uint8Array> {
  const { number } = field;
  if (field.message) {
    return messageOf(field.message, depth + 1).map((bytes) =>
      written(number, WireType.LengthDelimited, (to) => to.bytes(bytes)),
    );
  }
  if (field.fieldKind === 'map')
    return fc.constant(written(number, WireType.LengthDelimited, (to) => to.bytes(new Uint8Array([10, 1, 97]))));
  if (field.enum) {
    const known = field.enum.values.map((value) => value.number);
    return fc
      .oneof(fc.constantFrom(...known), fc.integer())
      .map((value) => written(number, WireType.Varint, (to) => to.int32(value)));
  }
  return scalarOf(number, field.scalar);
}

const sound = new Uint8Array(silentWav(1));
const texts = fc.oneof(
  fc.constantFrom('en', 'auto', 'local', 'visit.wav', 'http://files.example/a.mp3'),
  fc.uuid(),
  hostileText,
);

function scalarOf(number: number, type: ScalarType): fc.Arbitrary<Uint8Array> {
  if (type === ScalarType.STRING) {
    return texts.map((text) => written(number, WireType.LengthDelimited, (to) => to.string(text)));
  }
  if (type === ScalarType.BYTES) {
    return fc
      .oneof(fc.constant(sound), fc.uint8Array({ maxLength: 100 }))
      .map((bytes) => written(number, WireType.LengthDelimited, (to) => to.bytes(bytes)));
  }
  if (type === ScalarType.DOUBLE) {
    return fc.double().map((value) => written(number, WireType.Bit64, (to) => to.double(value)));
  }
  if (type === ScalarType.FLOAT) {
    return fc.float().map((value) => written(number, WireType.Bit32, (to) => to.float(value)));
  }
  return fc
    .oneof(fc.nat(10), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }))
    .map((value) => written(number, WireType.Varint, (to) => to.int64(value)));
}

function written(number: number, wireType: WireType, write: (to: BinaryWriter) => BinaryWriter): Uint8Array {
  return write(new BinaryWriter().tag(number, wireType)).finish();
}
