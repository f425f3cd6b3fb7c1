import { EngineServiceDefinition } from './audio-codec.js';
import { TranscribeRequest } from './gen/polyscribe/engine/v1/engine_service.js';

const { encode, decode } = EngineServiceDefinition.methods.transcribe.requestType;

describe('The codec of audio messages', () => {
  it.each([0, 1, 127, 128, 16_383, 16_384, 65_536, 1_048_576])(
    'writes and reads %d bytes as generated code does',
    (size) => {
      const audio = Buffer.alloc(size, 'speech');
      const message: TranscribeRequest = { payload: { $case: 'audio', value: audio } };
      const bytes = encode(message).finish();
      expect(Buffer.compare(bytes, TranscribeRequest.encode(message).finish())).toBe(0);
      expect(isAudio(decode(bytes), audio)).toBe(true);
      expect(isAudio(TranscribeRequest.decode(bytes), audio)).toBe(true);
    },
  );

  it('gives the audio out of the message without a copy', () => {
    const bytes = encode({ payload: { $case: 'audio', value: Buffer.from('speech') } }).finish();
    const { payload } = decode(bytes);
    expect(payload?.$case === 'audio' && payload.value.buffer).toBe(bytes.buffer);
  });

  it('gives a message that is not copied when the library makes a buffer of it', () => {
    const message = encode({ payload: { $case: 'audio', value: Buffer.from('speech') } }).finish();
    const buffer = Buffer.from(message);
    expect(buffer.buffer).toBe(message.buffer);
    expect([...buffer]).toEqual([...message]);
  });

  it('leaves a configuration, an empty message and fields that it does not know to generated code', () => {
    const config = TranscribeRequest.fromPartial({ payload: { $case: 'config', value: { requestId: 'a' } } });
    expect(decode(encode(config).finish())).toEqual(config);
    expect(decode(new Uint8Array())).toEqual(TranscribeRequest.decode(new Uint8Array()));
    const withMore = Buffer.concat([TranscribeRequest.encode(config).finish(), Buffer.from([0x18, 0x05])]);
    expect(decode(withMore)).toEqual(config);
    const audioAndMore = Buffer.from([0x12, 0x02, 0x61, 0x62, 0x18, 0x05]);
    expect(decode(audioAndMore)).toEqual({ payload: { $case: 'audio', value: Buffer.from('ab') } });
  });

  it.each([
    ['cut short', [0x12, 0x05, 0x61]],
    ['without a length', [0x12]],
    ['whose length never ends', [0x12, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]],
  ])('refuses a message %s', (_, bytes) => {
    expect(() => decode(Uint8Array.from(bytes))).toThrow(Error);
  });
});

/** Jest compares large buffers byte by byte, in its own time. */
function isAudio({ payload }: TranscribeRequest, audio: Buffer): boolean {
  return payload?.$case === 'audio' && Buffer.compare(payload.value, audio) === 0;
}
