export { AudioEncoding } from './gen/nvidia/riva/riva_audio.js';
export { RequestId } from './gen/nvidia/riva/riva_common.js';
export {
  EndpointingConfig,
  PipelineStates,
  RecognitionConfig,
  RecognizeRequest,
  RecognizeResponse,
  RivaSpeechRecognitionConfigRequest,
  RivaSpeechRecognitionConfigResponse,
  RivaSpeechRecognitionConfigResponse_Config,
  RivaSpeechRecognitionDefinition,
  SpeakerDiarizationConfig,
  SpeechContext,
  SpeechRecognitionAlternative,
  SpeechRecognitionResult,
  StreamingRecognitionConfig,
  StreamingRecognitionResult,
  StreamingRecognizeRequest,
  StreamingRecognizeResponse,
  WordInfo,
} from './gen/nvidia/riva/asr/riva_asr.js';
export type {
  RivaSpeechRecognitionClient,
  RivaSpeechRecognitionServiceImplementation,
} from './gen/nvidia/riva/asr/riva_asr.js';
