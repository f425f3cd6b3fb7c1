import { z } from 'zod';
import {
  engineKinds,
  jobEngines,
  profiles,
  type RoleSetChoice,
  roleSetChoices,
  tasks,
  transcriptFormats,
  unsupportedPolicies,
  webhookPayloads,
  workerChoices,
} from '#contracts';
import {
  field,
  flag,
  language,
  oneOf,
  readFlag,
  readJson,
  readList,
  readNumber,
  text,
  wholeNumber,
} from './form-fields.js';
import { isPlainJson } from './plain-json.js';

const MAX_METADATA_BYTES = 16_384;
const MAX_SPEAKERS = 32;
const LANES = { error: `must have 2 to ${engineKinds.length} entries` };
const MAX_ENGINE_OPTIONS = 32;
const MAX_ENGINE_OPTION_LENGTH = 1_000;

const metadata = z.custom<Record<string, unknown>>(
  (value) => isPlainJson(value) && Buffer.byteLength(JSON.stringify(value)) <= MAX_METADATA_BYTES,
  {
    error: `must be a JSON object of at most ${MAX_METADATA_BYTES} bytes, nested at most 16 deep, without NUL or broken characters`,
  },
);

/** Names as backends use them; a first letter keeps the names of prototypes out. */
const optionKey = /^[A-Za-z][\w.:-]{0,63}$/;

const optionsOfEngine = z
  .unknown()
  // Looked at first: what reads records leaves out keys such as __proto__ without a word.
  .refine((options) => Object.keys(options ?? {}).every((key) => optionKey.test(key)), {
    error: 'must have keys of at most 64 letters, digits and . : _ -, with a letter first',
    abort: true,
  })
  .pipe(z.record(z.string(), text(MAX_ENGINE_OPTION_LENGTH), { error: 'must be an object of texts' }))
  .refine((options) => Object.keys(options).length <= MAX_ENGINE_OPTIONS, {
    error: `must have at most ${MAX_ENGINE_OPTIONS} entries`,
  })
  .optional();

/** One entry for each kind of engine: written out, so that a misspelt kind is refused. */
const engineOptions = z.strictObject(
  { asr: optionsOfEngine, whisperx: optionsOfEngine, local: optionsOfEngine },
  { error: 'must be a JSON object with the entries asr, whisperx and local, each an object of texts' },
);

/**
 * The options of a submission as they come in: text from a form, typed from gRPC. What every field means stands in
 * `JobOptions`; every text and list has a bound.
 */
export const jobOptionsSchema = z
  .strictObject({
    engine: field(oneOf(jobEngines)).describe(
      'Which engine is to serve; auto lets the mesh choose. compare and consensus run several: see engines.',
    ),
    engines: field(z.array(oneOf(engineKinds)).min(2, LANES).max(engineKinds.length, LANES), readList).describe(
      'Which engines compare and consensus run, preferred first; left out, all that can serve.',
    ),
    language: field(language).describe('BCP-47 tag; left out, the language is detected where an engine can.'),
    model: field(text(200)).describe('A model of the engine; left out, its default.'),
    session_id: field(z.guid({ error: 'must be a UUID' })).describe('Groups jobs; echoed.'),
    enable_diarization: field(flag, readFlag).describe('Ask for speaker tags.'),
    min_speakers: field(wholeNumber(1, MAX_SPEAKERS), readNumber).describe('Implies enable_diarization.'),
    max_speakers: field(wholeNumber(1, MAX_SPEAKERS), readNumber).describe('Implies enable_diarization.'),
    word_timestamps: field(flag, readFlag).describe('Ask for the time of each word.'),
    separate_channels: field(flag, readFlag).describe('Transcribe each channel by itself.'),
    punctuation: field(flag, readFlag).describe('false asks for text without punctuation.'),
    profanity_filter: field(flag, readFlag).describe('Mask swear words.'),
    verbatim: field(flag, readFlag).describe('Numbers and fillers as they were spoken.'),
    engine_options: field(engineOptions, readJson).describe(
      'Settings for each kind of engine; only those of the engine that serves are passed on.',
    ),
    context_id: field(z.guid({ error: 'must be a UUID' })).describe('A vocabulary; the job keeps a copy of it.'),
    speaker_roles: field(oneOf(roleSetChoices)).describe(
      'Between which roles to tell speakers apart; implies enable_diarization. Left out, clinical where there are speaker tags.',
    ),
    task: field(oneOf(tasks)).describe('translate gives English text.'),
    profile: field(oneOf(profiles)).describe('How to weigh speed against precision.'),
    on_unsupported: field(oneOf(unsupportedPolicies)).describe(
      'What happens with a feature that the engine lacks: an error, or a warning in the result.',
    ),
    allow_fallback: field(flag, readFlag).describe('Let another engine serve when the named one cannot.'),
    priority: field(wholeNumber(0, 9), readNumber).describe('9 first.'),
    reuse: field(flag, readFlag).describe(
      'Take the transcript of an earlier job where the recording and all options that decide the text are the same.',
    ),
    worker: field(oneOf(workerChoices)).describe(
      'mesh, the default, or remote: a worker elsewhere that takes offers by webhook.',
    ),
    title: field(text(300)).describe('For people.'),
    tags: field(z.array(text(64).min(1)).max(32, { error: 'must have at most 32 entries' }), readList).describe(
      'For people: a JSON array, a list with commas, or the field given several times.',
    ),
    db_id: field(text(200)).describe("The caller's own id; echoed."),
    metadata: field(metadata, readJson).describe('A JSON object; echoed.'),
    result_file: field(oneOf(transcriptFormats)).describe(
      'Put the transcript as such a file into the object store; result_file_url of the result links to it.',
    ),
    callback_url: field(text(2_048)).describe('Called when the job ends; see webhooks.'),
    callback_payload: field(oneOf(webhookPayloads)).describe('thin, the default, or full, which holds the text.'),
  })
  .superRefine((options, context) => {
    const { min_speakers: min, max_speakers: max } = options;
    if (min !== undefined && max !== undefined && min > max) {
      context.addIssue({ code: 'custom', path: ['min_speakers'], message: 'must not be more than max_speakers' });
    }
    if (options.enable_diarization === false && asksForSpeakers(options)) {
      const message = 'must not be false where min_speakers, max_speakers or speaker_roles asks for speakers';
      context.addIssue({ code: 'custom', path: ['enable_diarization'], message });
    }
    if (options.engines !== undefined && new Set(options.engines).size < options.engines.length) {
      context.addIssue({ code: 'custom', path: ['engines'], message: 'must not name an engine twice' });
    }
    if (options.callback_payload !== undefined && options.callback_url === undefined) {
      const message = 'has no meaning without callback_url';
      context.addIssue({ code: 'custom', path: ['callback_payload'], message });
    }
  });

/** Whether something is asked for that takes speaker tags. */
export function asksForSpeakers(options: {
  readonly min_speakers?: number | undefined;
  readonly max_speakers?: number | undefined;
  readonly speaker_roles?: RoleSetChoice | undefined;
}): boolean {
  const { min_speakers: min, max_speakers: max, speaker_roles: roles } = options;
  return min !== undefined || max !== undefined || (roles !== undefined && roles !== 'none');
}

export type SubmitOptions = z.output<typeof jobOptionsSchema>;
export const optionNames = Object.keys(jobOptionsSchema.shape);
