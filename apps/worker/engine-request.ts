import type { EngineInstance, EngineRequest, JobOptions } from '#contracts';
import { modelFor } from '#routing';
import type { JobRun, SpanWork } from './job-run.js';

/** What that instance is asked to make of a span. */
export function engineRequest(work: SpanWork, run: JobRun, instance: EngineInstance): EngineRequest {
  const { options } = run.job;
  const { engine, capabilities } = instance.description;
  const model = modelFor(run.routing, engine, capabilities);
  return {
    requestId: `${run.job.id}-${work.index}`,
    ...(options.language === undefined ? {} : { language: options.language }),
    ...(model === undefined ? {} : { model }),
    task: options.task,
    wordTimestamps: options.wordTimestamps,
    ...diarization(options),
    phrases: options.context?.phrases ?? [],
    profile: options.profile,
    ...(options.punctuation === undefined ? {} : { punctuation: options.punctuation }),
    ...(options.profanityFilter === undefined ? {} : { profanityFilter: options.profanityFilter }),
    ...(options.verbatim === undefined ? {} : { verbatim: options.verbatim }),
    engineOptions: options.engineOptions?.[engine] ?? {},
    partialResults: capabilities.partialResults,
    ...(work.lengthMs === undefined ? {} : { audioMs: work.lengthMs }),
    onUnsupported: options.onUnsupported,
  };
}

function diarization(options: JobOptions): Pick<EngineRequest, 'diarization'> {
  if (!options.enableDiarization) return {};
  const { minSpeakers, maxSpeakers } = options;
  return {
    diarization: {
      ...(minSpeakers === undefined ? {} : { minSpeakers }),
      ...(maxSpeakers === undefined ? {} : { maxSpeakers }),
    },
  };
}
