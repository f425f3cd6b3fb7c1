import { fromBinary, isFieldSet } from '@bufbuild/protobuf';
import {
  type DescriptorProto,
  type FieldDescriptorProto,
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  FieldDescriptorProtoSchema,
  type FileDescriptorProto,
  FileDescriptorSetSchema,
} from '@bufbuild/protobuf/wkt';
import { readDescriptorSet } from './descriptor-set.js';
import * as riva from './riva.js';

/** Riva's wire: number and type of each field, as NVIDIA publishes them. */
const messages: Readonly<Record<string, readonly string[]>> = {
  RivaSpeechRecognitionConfigRequest: ['1 string model_name'],
  RivaSpeechRecognitionConfigResponse: ['1 repeated Config model_config'],
  'RivaSpeechRecognitionConfigResponse.Config': ['1 string model_name', '2 map parameters'],
  RecognizeRequest: ['1 RecognitionConfig config', '2 bytes audio', '100 RequestId id'],
  StreamingRecognizeRequest: [
    '1 oneof StreamingRecognitionConfig streaming_config',
    '2 oneof bytes audio_content',
    '3 map runtime_config',
    '100 RequestId id',
  ],
  EndpointingConfig: [
    '1 optional int32 start_history',
    '2 optional float start_threshold',
    '3 optional int32 stop_history',
    '4 optional float stop_threshold',
    '5 optional int32 stop_history_eou',
    '6 optional float stop_threshold_eou',
  ],
  RecognitionConfig: [
    '1 AudioEncoding encoding',
    '2 int32 sample_rate_hertz',
    '3 string language_code',
    '4 int32 max_alternatives',
    '5 bool profanity_filter',
    '6 repeated SpeechContext speech_contexts',
    '7 int32 audio_channel_count',
    '8 bool enable_word_time_offsets',
    '11 bool enable_automatic_punctuation',
    '12 bool enable_separate_recognition_per_channel',
    '13 string model',
    '14 bool verbatim_transcripts',
    '19 SpeakerDiarizationConfig diarization_config',
    '24 map custom_configuration',
    '25 optional EndpointingConfig endpointing_config',
  ],
  StreamingRecognitionConfig: ['1 RecognitionConfig config', '2 bool interim_results'],
  SpeakerDiarizationConfig: ['1 bool enable_speaker_diarization', '2 int32 max_speaker_count'],
  SpeechContext: ['1 repeated string phrases', '4 float boost'],
  RecognizeResponse: ['1 repeated SpeechRecognitionResult results', '100 RequestId id'],
  SpeechRecognitionResult: [
    '1 repeated SpeechRecognitionAlternative alternatives',
    '2 int32 channel_tag',
    '3 float audio_processed',
  ],
  SpeechRecognitionAlternative: [
    '1 string transcript',
    '2 float confidence',
    '3 repeated WordInfo words',
    '4 repeated string language_code',
  ],
  WordInfo: [
    '1 int32 start_time',
    '2 int32 end_time',
    '3 string word',
    '4 float confidence',
    '5 int32 speaker_tag',
    '6 string language_code',
  ],
  StreamingRecognizeResponse: ['1 repeated StreamingRecognitionResult results', '100 RequestId id'],
  PipelineStates: ['1 repeated float vad_probabilities'],
  StreamingRecognitionResult: [
    '1 repeated SpeechRecognitionAlternative alternatives',
    '2 bool is_final',
    '3 float stability',
    '5 int32 channel_tag',
    '6 float audio_processed',
    '7 optional PipelineStates pipeline_states',
  ],
  RequestId: ['1 string value'],
};

describe('wire of NVIDIA Riva', () => {
  let files: readonly FileDescriptorProto[];

  beforeAll(async () => {
    const { file } = fromBinary(FileDescriptorSetSchema, await readDescriptorSet());
    files = file.filter((each) => each.package.startsWith('nvidia.riva'));
  });

  it('has exactly the messages and fields that peers know, by number and type', () => {
    const found = files.flatMap((file) => file.messageType.flatMap((message) => [...fieldsOf(message)]));
    expect(Object.fromEntries(found)).toEqual(messages);
  });

  it('lies in the packages that peers know', () => {
    const packages = files.flatMap((file) => file.messageType.map(({ name }) => `${file.package}.${name}`));
    expect(packages).toContain('nvidia.riva.RequestId');
    expect(packages).toContain('nvidia.riva.asr.RecognitionConfig');
    expect(packages).not.toContain('nvidia.riva.RecognitionConfig');
  });

  it('has the methods that peers know, under their paths', () => {
    const { fullName, methods } = riva.RivaSpeechRecognitionDefinition;
    expect(fullName).toBe('nvidia.riva.asr.RivaSpeechRecognition');
    const shapes = Object.values(methods).map(({ name, requestStream, responseStream }) => [
      name,
      requestStream,
      responseStream,
    ]);
    expect(shapes).toEqual([
      ['Recognize', false, false],
      ['StreamingRecognize', true, true],
      ['GetRivaSpeechRecognitionConfig', false, false],
    ]);
  });

  it('has the encodings that peers know', () => {
    const { AudioEncoding } = riva;
    const { ENCODING_UNSPECIFIED, LINEAR_PCM, FLAC, MULAW, OGGOPUS, ALAW } = AudioEncoding;
    expect([ENCODING_UNSPECIFIED, LINEAR_PCM, FLAC, MULAW, OGGOPUS, ALAW]).toEqual([0, 1, 2, 3, 4, 20]);
  });

  it('tells an absent endpointing value from zero, and skips fields of the future', () => {
    const { EndpointingConfig, StreamingRecognitionResult } = riva;
    const given = EndpointingConfig.decode(EndpointingConfig.encode({ stopHistory: 0 }).finish());
    expect([given.stopHistory, given.startHistory]).toEqual([0, undefined]);
    const withFuture = Buffer.from([0x10, 0x01, 0xc8, 0x3e, 0x05]);
    expect(StreamingRecognitionResult.decode(withFuture)).toMatchObject({ isFinal: true, alternatives: [] });
  });
});

/** The message and those inside it, each field as `number label type name`. */
function* fieldsOf(message: DescriptorProto, within = ''): Generator<[string, string[]]> {
  const name = within + message.name;
  const fields = [...message.field].sort((a, b) => a.number - b.number);
  yield [name, fields.map((field) => `${field.number} ${labelOf(field)}${typeOf(field)} ${field.name}`)];
  for (const nested of message.nestedType) if (!nested.options?.mapEntry) yield* fieldsOf(nested, `${name}.`);
}

function labelOf(field: FieldDescriptorProto): string {
  if (field.proto3Optional) return 'optional ';
  if (field.label === FieldDescriptorProto_Label.REPEATED && !isMap(field)) return 'repeated ';
  return isFieldSet(field, FieldDescriptorProtoSchema.field.oneofIndex) ? 'oneof ' : '';
}

function typeOf(field: FieldDescriptorProto): string {
  if (isMap(field)) return 'map';
  const named = field.typeName.split('.').at(-1);
  return named === undefined || named === '' ? FieldDescriptorProto_Type[field.type].toLowerCase() : named;
}

function isMap({ typeName }: FieldDescriptorProto): boolean {
  return typeName.endsWith('Entry');
}
