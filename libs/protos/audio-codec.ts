import { EngineServiceDefinition as generated, TranscribeRequest } from './gen/polyscribe/engine/v1/engine_service.js';

/** Field 2 of `TranscribeRequest`, length-delimited (protobuf encoding: number times 8, and 2 for the wire type). */
const AUDIO_TAG = 0x12;

/** As many as the length of a message takes that is larger than any we send or accept. */
const MAX_LENGTH_BYTES = 4;

/** Anything that a serialized message can be taken from; the library asks for no more than that. */
interface Encoded {
  finish(): Uint8Array;
}

/**
 * `TranscribeRequest` on the same wire, with audio copied once into a message and not at all out of it. Generated code
 * grows a buffer, cuts it to size and copies what it read, and the library copies the message once more; an hour of speech
 * is a hundred megabytes.
 */
const quickRequest = {
  ...TranscribeRequest,
  encode: (message: TranscribeRequest): Encoded => {
    const { payload } = message;
    if (payload?.$case !== 'audio') return TranscribeRequest.encode(message);
    return { finish: () => encodeAudio(payload.value) };
  },
  decode: (bytes: Uint8Array): TranscribeRequest => {
    const value = decodeAudio(bytes);
    return value ? { payload: { $case: 'audio', value } } : TranscribeRequest.decode(bytes);
  },
} as const;

/** The service that engines serve, for both ends. Audio that it gives lies in the memory of the message it came in. */
export const EngineServiceDefinition = {
  ...generated,
  methods: { ...generated.methods, transcribe: { ...generated.methods.transcribe, requestType: quickRequest } },
} as const;
export type EngineServiceDefinition = typeof EngineServiceDefinition;

function encodeAudio(audio: Uint8Array): Uint8Array {
  const head = [AUDIO_TAG];
  let length = audio.length;
  for (; length > 0x7f; length = Math.floor(length / 0x80)) head.push((length % 0x80) + 0x80);
  head.push(length);
  const message = Buffer.allocUnsafeSlow(head.length + audio.length);
  message.set(head);
  message.set(audio, head.length);
  return uncopied(message);
}

/**
 * A message that fills its memory, made so that `Buffer.from`, which the library calls on whatever it is given, takes the
 * memory as it is: of an array it makes a copy, of an object whose value is an ArrayBuffer it does not.
 */
function uncopied(message: Uint8Array): Uint8Array {
  return Object.assign(message, { valueOf: () => message.buffer });
}

/** The audio of a message that holds nothing else; undefined for any other, which is the generated code's to read. */
function decodeAudio(message: Uint8Array): Buffer | undefined {
  if (message[0] !== AUDIO_TAG) return undefined;
  let length = 0;
  for (let at = 1, unit = 1; at <= MAX_LENGTH_BYTES; at += 1, unit *= 0x80) {
    const byte = message[at] ?? 0;
    length += (byte % 0x80) * unit;
    if (byte >= 0x80) continue;
    const start = at + 1;
    if (start + length !== message.length) return undefined;
    return Buffer.from(message.buffer, message.byteOffset + start, length);
  }
  return undefined;
}
