export {
  Job,
  JobError,
  JobEvent,
  JobState,
  AudioTrack,
  Media,
  SubmitOptions,
  Transcript,
  TranscriptSegment,
  TranscriptWarning,
  TranscriptWord,
  VideoTrack,
} from './gen/polyscribe/job/v1/job.js';
export * from './gen/polyscribe/job/v1/job_service.js';
export { Context, ContextContent, Term } from './gen/polyscribe/job/v1/context.js';
export {
  type ContextServiceClient,
  ContextServiceDefinition,
  type ContextServiceImplementation,
  CreateContextRequest,
  CreateContextResponse,
  DeleteContextRequest,
  DeleteContextResponse,
  GetContextRequest,
  GetContextResponse,
  ListContextsRequest,
  ListContextsResponse,
  UpdateContextRequest,
  UpdateContextResponse,
} from './gen/polyscribe/job/v1/context_service.js';
