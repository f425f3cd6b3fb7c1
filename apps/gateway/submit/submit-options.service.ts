import { Inject, Injectable } from '@nestjs/common';
import type { Config } from '#config';
import {
  type EngineKind,
  isJoint,
  type JobEngine,
  jobEngines,
  type JobOptions,
  PolyscribeError,
  type RemoteMedia,
  type RegistrySnapshot,
} from '#contracts';
import { RegistryWatcher } from '#engine-client';
import { OutboundHttp } from '#outbound-http';
import { WebhookEndpointRepository } from '#persistence';
import { optionRefusal, refusal, route, routingRequestOf } from '#routing';
import { inAnswerTime } from '../answer-time.js';
import { CONFIG } from '../tokens.js';
import { fieldErrors, invalid } from './field-errors.js';
import { Contexts } from '../contexts/contexts.service.js';
import { asksForSpeakers, jobOptionsSchema, optionNames, type SubmitOptions } from './job-options.schema.js';
import { fingerprintOf } from './submission-key.js';
import { laneEngines } from './lane-engines.js';
import { judged, remoteSource, sourceNames } from './remote-source.js';

const NO_REMOTE_WORKER =
  'No remote worker takes jobs: register an endpoint for the event job.offered, or let the mesh do it with allow_fallback.';

/** Turns what a client sent into job options, or says what is wrong with it. */
@Injectable()
export class SubmitOptionsReader {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly registry: RegistryWatcher,
    private readonly contexts: Contexts,
    private readonly outbound: OutboundHttp,
    private readonly endpoints: WebhookEndpointRepository,
  ) {}

  /** Where the recording lies, if the submission says so. @throws PolyscribeError `invalid_request`, `url_not_allowed` */
  remoteSource(fields: ReadonlyMap<string, unknown>): RemoteMedia | undefined {
    return remoteSource(fields, this.outbound.guard);
  }

  /**
   * The options of a submission, complete.
   *
   * @param fields name to value, as text or typed
   * @param pathEngine the engine that the route names; the field may only say the same
   * @throws PolyscribeError `invalid_request`, `unknown_engine`, `context_not_found`, and what the router refuses
   */
  async read(fields: Readonly<Record<string, unknown>>, pathEngine?: EngineKind): Promise<JobOptions> {
    const submitted = parseOptions(fields);
    const options = await this.judge(this.jobOptions(submitted, pathEngine));
    const context = await this.contextOf(submitted);
    return context ? { ...options, context } : options;
  }

  /**
   * The options of a submission that is only thought of, and what it would be refused with for want of engines.
   *
   * @param others names of fields that the caller reads itself
   * @throws PolyscribeError `invalid_request`, `unknown_engine`, `context_not_found`
   */
  async preview(
    fields: Readonly<Record<string, unknown>>,
    others: readonly string[],
  ): Promise<{ readonly options: JobOptions; readonly refusal?: PolyscribeError }> {
    const submitted = parseOptions(fields, others);
    await this.contextOf(submitted);
    const options = this.jobOptions(submitted, undefined);
    refuseMisplaced(options);
    try {
      return { options: await this.judge(options) };
    } catch (thrown) {
      const refusal = PolyscribeError.from(thrown);
      if (refusal.code === 'internal' || refusal.code === 'dependency_unavailable') throw thrown;
      return { options, refusal };
    }
  }

  /**
   * Judges options of which more may come, so that a bad upload is refused before its file is read. What has not come yet
   * is taken to be whatever lets the request pass.
   */
  async judgeEarly(fields: Readonly<Record<string, unknown>>, pathEngine?: EngineKind): Promise<void> {
    const submitted = parseOptions(fields);
    const options = this.jobOptions(submitted, pathEngine);
    const judging = this.judge({
      ...options,
      engineOptions: settledEngineOptions(submitted, submitted.engine ?? pathEngine),
      engine: submitted.engine ?? pathEngine ?? (submitted.engines ? 'compare' : 'auto'),
      allowFallback: submitted.allow_fallback ?? true,
      onUnsupported: submitted.on_unsupported ?? 'warn',
    });
    await judging.catch(async (error: unknown) => {
      const mayBeRemote = submitted.worker === undefined && (await inAnswerTime(this.endpoints.anyTakesOffers()));
      if (!mayBeRemote) throw error;
    });
    await this.contextOf(submitted);
  }

  /** What tells two submissions under one key apart: all that the client asked for, and the recording. */
  fingerprint(
    fields: Readonly<Record<string, unknown>>,
    pathEngine: EngineKind | undefined,
    recording: Readonly<Record<string, string>>,
  ): string {
    const submitted = parseOptions(fields);
    return fingerprintOf({ ...submitted, engine: pathEngine ?? submitted.engine, recording });
  }

  /** A copy: the job is what it was when it was sent, whatever becomes of the context. */
  private async contextOf({ context_id: id }: SubmitOptions): Promise<JobOptions['context']> {
    if (id === undefined) return undefined;
    const { language, terms } = await this.contexts.named(id);
    return { id, phrases: terms, ...(language === undefined ? {} : { language }) };
  }

  private jobOptions(submitted: SubmitOptions, pathEngine: EngineKind | undefined): JobOptions {
    if (pathEngine !== undefined && submitted.engine !== undefined && submitted.engine !== pathEngine) {
      throw invalid([{ pointer: '/engine', detail: `is ${pathEngine} by this route; leave the field out` }]);
    }
    const options = jobOptionsOf(submitted, pathEngine ?? submitted.engine ?? this.config.defaultEngine);
    const callback = this.callbackOf(submitted);
    return callback ? { ...options, callback } : options;
  }

  private callbackOf({ callback_url: url, callback_payload: payload = 'thin' }: SubmitOptions): JobOptions['callback'] {
    if (url === undefined) return undefined;
    judged(url, '/callback_url', this.outbound.guard);
    return { url, payload, onError: this.config.webhooks.onError };
  }

  /**
   * The options with the engines of a job of several. Where a remote worker would hear of the job, what the mesh can do
   * does not matter.
   *
   * @throws PolyscribeError where nobody could ever serve
   */
  private async judge(options: JobOptions): Promise<JobOptions> {
    refuseMisplaced(options);
    if (options.worker === 'remote') {
      if (await inAnswerTime(this.endpoints.anyTakesOffers())) return options;
      if (!options.allowFallback) throw new PolyscribeError('no_engine', NO_REMOTE_WORKER);
    }
    const snapshot: RegistrySnapshot = this.registry.snapshot();
    if (isJoint(options.engine)) {
      return { ...options, engines: laneEngines(options, snapshot, this.config.routing) };
    }
    const request = routingRequestOf(options);
    const error = optionRefusal(request, snapshot) ?? refusal(request, route(request, snapshot, this.config.routing));
    if (error) throw error;
    return options;
  }
}

/** @throws PolyscribeError `invalid_request` for options that have no meaning together */
function refuseMisplaced({ engine, engines, worker }: JobOptions): void {
  if (engines && !isJoint(engine)) {
    throw invalid([{ pointer: '/engines', detail: 'is for the engines compare and consensus' }]);
  }
  if (worker === 'remote' && isJoint(engine)) {
    throw invalid([{ pointer: '/worker', detail: 'must not be remote where several engines do one recording' }]);
  }
}

function jobOptionsOf(submitted: SubmitOptions, engine: JobEngine): JobOptions {
  return {
    ...defaultOptions,
    ...withoutGaps({
      task: submitted.task,
      profile: submitted.profile,
      wordTimestamps: submitted.word_timestamps,
      separateChannels: submitted.separate_channels,
      punctuation: submitted.punctuation,
      profanityFilter: submitted.profanity_filter,
      verbatim: submitted.verbatim,
      engineOptions: submitted.engine_options && withoutGaps(submitted.engine_options),
      speakerRoles: submitted.speaker_roles,
      onUnsupported: submitted.on_unsupported,
      allowFallback: submitted.allow_fallback,
      priority: submitted.priority,
      reuse: submitted.reuse,
      resultFile: submitted.result_file,
      // What is the default stands in no job: older ones say nothing of it.
      worker: submitted.worker === 'remote' ? submitted.worker : undefined,
      tags: submitted.tags,
      language: submitted.language,
      engines: submitted.engines,
      model: submitted.model,
      minSpeakers: submitted.min_speakers,
      maxSpeakers: submitted.max_speakers,
      sessionId: submitted.session_id,
      title: submitted.title,
      dbId: submitted.db_id,
      metadata: submitted.metadata,
    }),
    engine,
    enableDiarization: submitted.enable_diarization ?? asksForSpeakers(submitted),
  };
}

/** The engine options of those kinds that may serve whatever else comes. */
function settledEngineOptions(
  { engine_options: all, allow_fallback: isAnyAllowed }: SubmitOptions,
  engine: JobEngine | undefined,
): NonNullable<JobOptions['engineOptions']> {
  if (all === undefined) return {};
  if (engine === undefined) return isAnyAllowed === true ? withoutGaps(all) : {};
  if (engine === 'auto' || isJoint(engine) || isAnyAllowed === true) return withoutGaps(all);
  const own = all[engine];
  return own ? { [engine]: own } : {};
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
function withoutGaps<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}

function parseOptions(
  fields: Readonly<Record<string, unknown>>,
  others: readonly string[] = [...sourceNames, 'file'],
): SubmitOptions {
  refuseUnknownEngine(fields['engine']);
  const parsed = jobOptionsSchema.safeParse(fields);
  if (parsed.success) return parsed.data;
  throw invalid(fieldErrors(parsed.error.issues, [...optionNames, ...others]));
}

function refuseUnknownEngine(engine: unknown): void {
  if (typeof engine !== 'string' || engine === '' || (jobEngines as readonly string[]).includes(engine)) return;
  const message = `The engine must be one of ${jobEngines.join(', ')}; GET /engines shows which are up.`;
  throw new PolyscribeError('unknown_engine', message, { fields: [{ pointer: '/engine', detail: message }] });
}
