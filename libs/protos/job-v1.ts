export {
  Job,
  JobError,
  JobEvent,
  JobState,
  SubmitOptions,
  Transcript,
  TranscriptSegment,
  TranscriptWarning,
  TranscriptWord,
} from './gen/polyscribe/job/v1/job.js';
export * from './gen/polyscribe/job/v1/job_service.js';
