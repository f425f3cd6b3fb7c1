import { Readable } from 'node:stream';
import { PolyscribeError } from '#contracts';
import type { jobV1 } from '#protos';
import type { SubmissionPart } from '../submit/submission-part.js';

/** A gRPC upload in the form in which every submission is taken: fields first, then the file. */
export async function* partsOfCall(requests: AsyncIterable<jobV1.SubmitRequest>): AsyncGenerator<SubmissionPart> {
  const messages = requests[Symbol.asyncIterator]();
  const first = await messages.next();
  if (first.done === true || first.value.payload?.$case !== 'options') {
    throw new PolyscribeError('invalid_request', 'The first message must hold the options.');
  }
  const options = first.value.payload.value;
  for (const [name, value] of Object.entries(fieldsOf(options))) yield { type: 'field', name, value };
  if (options.url !== '' || options.uploadId !== '') {
    if ((await messages.next()).done !== true) {
      throw new PolyscribeError(
        'invalid_request',
        'Where a url or an upload is given, nothing may follow the options.',
      );
    }
    return;
  }
  const content = Readable.from(contentOf(messages), { objectMode: false });
  yield { type: 'file', name: 'file', filename: options.filename, content };
}

async function* contentOf(messages: AsyncIterator<jobV1.SubmitRequest>): AsyncGenerator<Buffer> {
  for (let next = await messages.next(); next.done !== true; next = await messages.next()) {
    const { payload } = next.value;
    if (payload?.$case !== 'content') {
      throw new PolyscribeError('invalid_request', 'Every message after the first must hold content.');
    }
    // An empty piece is allowed, and would end a byte stream.
    if (payload.value.length > 0) yield payload.value;
  }
}

/** The options under their REST names. What has proto3's default value was not given. */
function fieldsOf(options: jobV1.SubmitOptions): Record<string, unknown> {
  const fields: Record<string, unknown> = {
    engine: options.engine,
    engines: options.engines.length === 0 ? undefined : options.engines,
    language: options.language,
    model: options.model,
    enable_diarization: options.enableDiarization,
    min_speakers: options.minSpeakers,
    max_speakers: options.maxSpeakers,
    word_timestamps: options.wordTimestamps,
    task: options.task,
    profile: options.profile,
    separate_channels: options.separateChannels,
    on_unsupported: options.onUnsupported,
    allow_fallback: options.allowFallback,
    priority: options.priority,
    session_id: options.sessionId,
    title: options.title,
    tags: options.tags.length === 0 ? undefined : options.tags,
    db_id: options.dbId,
    url: options.url,
    upload_id: options.uploadId,
    callback_url: options.callbackUrl,
    callback_payload: options.callbackPayload,
    metadata: options.metadata,
    profanity_filter: options.profanityFilter,
    verbatim: options.verbatim,
    engine_options: options.engineOptions,
    context_id: options.contextId,
    speaker_roles: options.speakerRoles,
    reuse: options.reuse,
    result_file: options.resultFile,
  };
  const unset: readonly unknown[] = ['', 0, false, undefined];
  const given = Object.fromEntries(Object.entries(fields).filter(([, value]) => !unset.includes(value)));
  // The one flag whose false says something.
  return options.punctuation === undefined ? given : { ...given, punctuation: options.punctuation };
}
