import {
  type EngineChoice,
  isJoint,
  type JobOptions,
  type Profile,
  type Task,
  type UnsupportedPolicy,
} from '#contracts';

/** What the router has to know about a piece of work. */
export interface RoutingRequest {
  readonly engine: EngineChoice;
  /** Whether another engine may stand in for a named one. `auto` always may. */
  readonly allowFallback: boolean;
  /** BCP-47 tag; undefined asks for detection where an engine can. */
  readonly language?: string;
  readonly model?: string;
  readonly task: Task;
  /** With the language it decides what counts among those who can serve. */
  readonly profile: Profile;
  readonly diarization: boolean;
  readonly wordTimestamps: boolean;
  /** Text without punctuation is asked for. */
  readonly withoutPunctuation: boolean;
  readonly profanityFilter: boolean;
  readonly verbatim: boolean;
  readonly onUnsupported: UnsupportedPolicy;
  /** Settings for each kind of engine; only those of the kind that serves count. */
  readonly engineOptions?: JobOptions['engineOptions'];
  /** Length of the one call to be routed; undefined while it is not known, limits are then not looked at. */
  readonly audioMs?: number;
  /** Instances that failed this work a moment ago: not to be asked again in this round. */
  readonly triedInstances?: ReadonlySet<string>;
}

/** The routing request of a job, before its audio is looked at. */
export function routingRequestOf(options: JobOptions): RoutingRequest {
  return {
    // Several engines have a request each; this one is for what any of them can do.
    engine: isJoint(options.engine) ? 'auto' : options.engine,
    allowFallback: options.allowFallback,
    ...(options.language === undefined ? {} : { language: options.language }),
    ...(options.model === undefined ? {} : { model: options.model }),
    task: options.task,
    profile: options.profile,
    diarization: options.enableDiarization,
    wordTimestamps: options.wordTimestamps,
    withoutPunctuation: options.punctuation === false,
    profanityFilter: options.profanityFilter ?? false,
    verbatim: options.verbatim ?? false,
    onUnsupported: options.onUnsupported,
    ...(options.engineOptions === undefined ? {} : { engineOptions: options.engineOptions }),
  };
}
