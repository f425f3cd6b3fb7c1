import { Inject, Injectable } from '@nestjs/common';
import type { z } from 'zod';
import type { Config } from '#config';
import {
  type EngineChoice,
  engineChoices,
  type EngineKind,
  type FieldError,
  type JobOptions,
  PolyscribeError,
  type RegistrySnapshot,
} from '#contracts';
import { RegistryWatcher } from '#engine-client';
import { refusal, route, routingRequestOf } from '#routing';
import { CONFIG } from '../tokens.js';
import { jobOptionsSchema, optionNames, type SubmitOptions } from './job-options.schema.js';

/** Turns what a client sent into job options, or says what is wrong with it. */
@Injectable()
export class SubmitOptionsReader {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly registry: RegistryWatcher,
  ) {}

  /**
   * The options of a submission, complete.
   *
   * @param fields name to value, as text or typed
   * @param pathEngine the engine that the route names; the field may only say the same
   * @throws PolyscribeError `invalid_request`, `unknown_engine`, and what the router refuses
   */
  read(fields: Readonly<Record<string, unknown>>, pathEngine?: EngineKind): JobOptions {
    const options = this.jobOptions(parseOptions(fields), pathEngine);
    this.refuseHopeless(options);
    return options;
  }

  /**
   * Judges options of which more may come, so that a bad upload is refused before its file is read. What has not come yet
   * is taken to be whatever lets the request pass.
   */
  judgeEarly(fields: Readonly<Record<string, unknown>>, pathEngine?: EngineKind): void {
    const submitted = parseOptions(fields);
    const options = this.jobOptions(submitted, pathEngine);
    this.refuseHopeless({
      ...options,
      engine: submitted.engine ?? pathEngine ?? 'auto',
      allowFallback: submitted.allow_fallback ?? true,
      onUnsupported: submitted.on_unsupported ?? 'warn',
    });
  }

  private jobOptions(submitted: SubmitOptions, pathEngine: EngineKind | undefined): JobOptions {
    if (pathEngine !== undefined && submitted.engine !== undefined && submitted.engine !== pathEngine) {
      throw invalid([{ pointer: '/engine', detail: `is ${pathEngine} by this route; leave the field out` }]);
    }
    return jobOptionsOf(submitted, pathEngine ?? submitted.engine ?? this.config.defaultEngine);
  }

  private refuseHopeless(options: JobOptions): void {
    const snapshot: RegistrySnapshot = this.registry.snapshot();
    const request = routingRequestOf(options);
    const error = refusal(request, route(request, snapshot));
    if (error) throw error;
  }
}

function jobOptionsOf(submitted: SubmitOptions, engine: EngineChoice): JobOptions {
  const { min_speakers: minSpeakers, max_speakers: maxSpeakers } = submitted;
  return {
    ...defaultOptions,
    ...defined({
      task: submitted.task,
      profile: submitted.profile,
      wordTimestamps: submitted.word_timestamps,
      separateChannels: submitted.separate_channels,
      onUnsupported: submitted.on_unsupported,
      allowFallback: submitted.allow_fallback,
      priority: submitted.priority,
      tags: submitted.tags,
      language: submitted.language,
      model: submitted.model,
      minSpeakers,
      maxSpeakers,
      sessionId: submitted.session_id,
      title: submitted.title,
      dbId: submitted.db_id,
      metadata: submitted.metadata,
    }),
    engine,
    enableDiarization: submitted.enable_diarization ?? (minSpeakers !== undefined || maxSpeakers !== undefined),
  };
}

const defaultOptions = {
  task: 'transcribe',
  profile: 'balanced',
  wordTimestamps: false,
  separateChannels: false,
  onUnsupported: 'refuse',
  allowFallback: false,
  priority: 0,
  tags: [],
} as const satisfies Partial<JobOptions>;

/** The entries that have a value: with exact optional types an absent field and an undefined one differ. */
function defined<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}

function parseOptions(fields: Readonly<Record<string, unknown>>): SubmitOptions {
  refuseUnknownEngine(fields['engine']);
  const parsed = jobOptionsSchema.safeParse(fields);
  if (parsed.success) return parsed.data;
  throw invalid(fieldErrors(parsed.error.issues));
}

function refuseUnknownEngine(engine: unknown): void {
  if (typeof engine !== 'string' || engine === '' || (engineChoices as readonly string[]).includes(engine)) return;
  const message = `The engine must be one of ${engineChoices.join(', ')}; GET /engines shows which are up.`;
  throw new PolyscribeError('unknown_engine', message, { fields: [{ pointer: '/engine', detail: message }] });
}

/** What zod found, as JSON pointers with a sentence; what the client sent is not repeated. */
export function fieldErrors(issues: readonly z.core.$ZodIssue[]): FieldError[] {
  return issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => ({
          pointer: pointerTo([key]),
          detail: `is not a field of this request; known are ${optionNames.join(', ')} and file`,
        }))
      : [{ pointer: pointerTo(issue.path), detail: issue.message }],
  );
}

function pointerTo(path: readonly PropertyKey[]): string {
  return path.map((part) => `/${String(part).slice(0, 100).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

/** At most that many faults are listed: a request can hold any number of them. */
const MAX_FIELD_ERRORS = 20;

export function invalid(fields: readonly FieldError[]): PolyscribeError {
  const listed = fields.slice(0, MAX_FIELD_ERRORS);
  const [first] = listed;
  const message = first === undefined ? 'The request is not valid.' : `${first.pointer.slice(1)} ${first.detail}.`;
  return new PolyscribeError('invalid_request', message, { fields: listed });
}
