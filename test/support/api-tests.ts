/** Where a route or option is shown to work: a file, and how the title of a test in it reads. */
export type Shown = readonly [file: string, title: string];

/** A route of the API document, and each of its parameters and fields of bodies. */
export interface RouteTests {
  readonly route: Shown;
  readonly options?: Readonly<Record<string, Shown>>;
}

const gateway = 'apps/gateway';
const options: Shown = ['test/submit-options.int.spec.ts', '%s has its effect'];
const idempotency: Shown = [`${gateway}/idempotency.int.spec.ts`, 'gives the answer of the first'];
const legacy = (title: string): Shown => [`${gateway}/legacy.int.spec.ts`, title];
const jobs = (title: string): Shown => [`${gateway}/jobs.int.spec.ts`, title];
const results = (title: string): Shown => [`${gateway}/results.int.spec.ts`, title];
const uploads = (title: string): Shown => [`${gateway}/uploads.int.spec.ts`, title];
const contexts = (title: string): Shown => [`${gateway}/contexts.int.spec.ts`, title];
const webhooks = (title: string): Shown => [`${gateway}/webhooks.int.spec.ts`, title];
const evaluation = (title: string): Shown => [`${gateway}/evaluation.int.spec.ts`, title];
const operations = (title: string): Shown => [`${gateway}/operations.int.spec.ts`, title];
const stream = (title: string): Shown => [`${gateway}/stream.int.spec.ts`, title];
const reports = (title: string): Shown => ['test/remote-workers.int.spec.ts', title];

const names = (list: string, shown: Shown): Record<string, Shown> =>
  Object.fromEntries(list.split(' ').map((name) => [name, shown]));

const submitOptions: Readonly<Record<string, Shown>> = {
  ...names('file engine engines language model session_id enable_diarization min_speakers max_speakers', options),
  ...names('word_timestamps punctuation profanity_filter verbatim engine_options task profile', options),
  ...names('on_unsupported allow_fallback title tags db_id metadata', options),
  'Idempotency-Key': idempotency,
  result_file: ['test/submit-options.int.spec.ts', 'result_file leaves a file'],
  url: ['test/submit-options.int.spec.ts', 'url is fetched'],
  upload_id: ['test/submit-options.int.spec.ts', 'upload_id takes what was uploaded'],
  separate_channels: ['test/job.e2e.spec.ts', 'keeps the channels of a call apart'],
  ...names('context_id speaker_roles', ['test/options.e2e.spec.ts', 'reach the engine, and speaker roles the result']),
  priority: ['apps/worker/work-loop.int.spec.ts', 'starts a job of priority 9 before those of 0'],
  reuse: [`${gateway}/reuse.int.spec.ts`, 'gives a completed job at once'],
  worker: reports('takes an offered job'),
  ...names('callback_url callback_payload', [
    'test/outbound.int.spec.ts',
    'fetch a recording and tell of its transcript',
  ]),
};

const rules = results('follow each of these rules by itself');
const downloadOptions: Readonly<Record<string, Shown>> = {
  id: jobs('hands out the transcript in every format'),
  format: jobs('hands out the transcript in every format'),
  speakers: jobs('hands out the transcript in every format'),
  engine: [`${gateway}/joint-jobs.int.spec.ts`, 'show what each engine wrote'],
  ...names('max_line_chars max_lines max_chars_per_second min_cue_s max_cue_s', rules),
  'If-None-Match': results('are given with a tag'),
};

const end = jobs('tells where a job stands');
const list = jobs('lists by each filter');
const pages = jobs('lists jobs newest first');
const endpoint = webhooks('are made with a secret that is shown once');
const deliveries = webhooks('show what is on its way to them');
const context = contexts('keeps a context, gives it back');
const pieces = uploads('becomes the recording of a job');
const media = jobs('serves the recording by its link');
const wer = evaluation('gives the word error rate');
const counted = evaluation('counts case and punctuation');
const judged: Shown = [`${gateway}/route-preview.int.spec.ts`, 'goes by %s'];
const cancel = jobs('cancels a queued job at once');
const older = legacy('take a file and give status and result');
const library = legacy('take a file and stream its text');
const api4 = legacy('take a file, tell its status by GET and POST');
const docs = operations('describes every route that it has');

/** Every route and option of the API document; what is not in here fails a test. */
export const apiTests: Readonly<Record<string, RouteTests>> = {
  'POST /api/transcribe/jobs/transcribe': { route: options, options: submitOptions },
  'POST /api/transcribe/jobs/transcribe/asr': { route: options, options: submitOptions },
  'POST /api/transcribe/jobs/transcribe/whisperx': {
    route: ['test/whisperx.e2e.spec.ts', 'gives words, speakers, warnings'],
    options: submitOptions,
  },
  'GET /api/transcribe/jobs': {
    route: list,
    options: {
      ...names('status engine session_id created_after created_before', list),
      ...names('limit cursor', pages),
    },
  },
  'GET /api/transcribe/jobs/stats': { route: end },
  'GET /api/transcribe/jobs/engines': { route: jobs('shows every kind of engine') },
  'GET /engines': {
    route: operations('shows engines as a table to terminals'),
    options: { format: operations('shows engines as a table to terminals') },
  },
  'GET /api/transcribe/jobs/status/{job_id}': { route: end, options: { job_id: end } },
  'GET /api/transcribe/jobs/stream/{job_id}': {
    route: stream('sends events while they happen'),
    options: {
      job_id: stream('sends events while they happen'),
      'Last-Event-ID': stream('gives one that comes late the whole history'),
      last_event_id: stream('answers 204 when all was read'),
    },
  },
  'GET /api/transcribe/jobs/result/{job_id}': {
    route: jobs('gives the result once the job is completed'),
    options: {
      job_id: jobs('gives the result once the job is completed'),
      'If-None-Match': results('are given with a tag'),
    },
  },
  'DELETE /api/transcribe/jobs/{job_id}': { route: cancel, options: { job_id: cancel } },
  'POST /api/transcribe/jobs/{job_id}/retry': { route: cancel, options: { job_id: cancel } },
  'GET /api/transcribe/jobs/route': {
    route: judged,
    options: {
      ...names('duration_s engine allow_fallback language model task profile enable_diarization', judged),
      ...names('word_timestamps punctuation profanity_filter verbatim on_unsupported engine_options', judged),
    },
  },
  'GET /api/transcripts/{id}/download': { route: jobs('hands out the transcript'), options: downloadOptions },
  'DELETE /api/transcripts/{id}': {
    route: [`${gateway}/erasure.int.spec.ts`, 'leaves nothing of a finished transcript'],
    options: { id: [`${gateway}/erasure.int.spec.ts`, 'answers 404 for what is not there'] },
  },
  'GET /api/media/{key}': {
    route: media,
    options: {
      ...names('key filename signature Range', media),
      ...names('expires If-Range If-None-Match', results('hold a link to the recording')),
    },
  },
  'POST /api/evaluate': {
    route: wer,
    options: {
      ...names('reference hypothesis', wer),
      ...names('ignore_case ignore_punctuation', counted),
      ...names('reference_transcript_id hypothesis_transcript_id', evaluation('takes transcripts by their ids')),
    },
  },
  'GET /api/contexts': {
    route: contexts('lists contexts page by page'),
    options: names('limit cursor', contexts('lists contexts page by page')),
  },
  'POST /api/contexts': { route: context, options: names('name language terms', context) },
  'GET /api/contexts/{id}': {
    route: context,
    options: { id: context, 'If-None-Match': contexts('is not sent again to who has it') },
  },
  'PUT /api/contexts/{id}': {
    route: context,
    options: {
      ...names('id name language terms', context),
      'If-Match': contexts('lets only who has seen the last change'),
    },
  },
  'DELETE /api/contexts/{id}': {
    route: context,
    options: { id: context, 'If-Match': contexts('lets only who has seen the last change') },
  },
  'OPTIONS /api/uploads': { route: uploads('says what it offers') },
  'POST /api/uploads': {
    route: uploads('is taken with its creation'),
    options: {
      'Tus-Resumable': uploads('is refused with %s'),
      'Upload-Length': uploads('is taken with its creation'),
      'Upload-Metadata': pieces,
    },
  },
  'HEAD /api/uploads/{id}': { route: pieces, options: names('id Tus-Resumable', pieces) },
  'PATCH /api/uploads/{id}': {
    route: pieces,
    options: {
      ...names('id Tus-Resumable', pieces),
      'Upload-Offset': uploads('does not go on anywhere but where it stands'),
    },
  },
  'DELETE /api/uploads/{id}': {
    route: uploads('is gone when it is terminated'),
    options: names('id Tus-Resumable', uploads('is gone when it is terminated')),
  },
  'GET /api/webhooks/endpoints': { route: endpoint },
  'POST /api/webhooks/endpoints': {
    route: endpoint,
    options: {
      ...names('url description', endpoint),
      event_types: ['apps/worker/webhooks.int.spec.ts', 'go to every endpoint that wants them'],
      payload: ['apps/worker/webhooks.int.spec.ts', 'hold the fields of older callbacks'],
    },
  },
  'GET /api/webhooks/endpoints/{id}': { route: endpoint, options: { id: endpoint } },
  'PATCH /api/webhooks/endpoints/{id}': {
    route: endpoint,
    options: {
      ...names('id event_types payload enabled', endpoint),
      ...names('url description', webhooks('take each change by itself')),
    },
  },
  'DELETE /api/webhooks/endpoints/{id}': { route: endpoint, options: { id: endpoint } },
  'POST /api/webhooks/endpoints/{id}/rotate-secret': {
    route: webhooks('get another secret'),
    options: { id: webhooks('get another secret') },
  },
  'GET /api/webhooks/endpoints/{id}/deliveries': {
    route: deliveries,
    options: names('id limit cursor', deliveries),
  },
  'POST /api/webhooks/transcription': {
    route: reports('takes an offered job'),
    options: names(
      'endpoint_id webhook-id webhook-timestamp webhook-signature',
      reports('is not heard without the secret'),
    ),
  },
  'GET /api/webhooks/deliveries': {
    route: deliveries,
    options: names('endpoint_id job_id limit cursor', deliveries),
  },
  'POST /api/webhooks/deliveries/{id}/redeliver': { route: deliveries, options: { id: deliveries } },

  'POST /api/v1/upload/file': { route: older, options: submitOptions },
  'POST /api/v1/upload/url': { route: legacy('take a URL, and refuse'), options: submitOptions },
  'GET /api/v1/transcription/{id}': { route: older, options: { id: older } },
  'DELETE /api/v1/transcription/{id}': { route: legacy('cancel and list'), options: { id: legacy('cancel and list') } },
  'GET /api/v1/transcription/{id}/download': { route: older, options: downloadOptions },
  'GET /api/v1/transcriptions': {
    route: legacy('cancel and list'),
    options: { ...names('status limit', legacy('cancel and list')), cursor: legacy('list page by page') },
  },
  'POST /transcribe': { route: library, options: { ...submitOptions, diarization: library } },
  'GET /transcribe/{id}': {
    route: library,
    options: { id: library, 'Last-Event-ID': stream('gives one that comes late the whole history') },
  },
  'GET /transcripts': {
    route: legacy('search for %j in titles'),
    options: {
      ...names('search status limit', legacy('search for %j in titles')),
      cursor: legacy('list page by page'),
    },
  },
  'GET /transcripts/{id}': { route: library, options: { id: library } },
  'GET /transcripts/{id}/download': { route: library, options: downloadOptions },
  'POST /v1/transcribe': { route: api4, options: { ...submitOptions, source_type: api4, output: api4 } },
  'GET /v1/jobs/{id}': { route: api4, options: { id: api4 } },
  'POST /v1/jobs/{id}': { route: api4, options: { id: api4 } },
  'DELETE /v1/jobs/{id}': {
    route: legacy('take a URL with a callback'),
    options: { id: legacy('take a URL with a callback') },
  },
  'GET /v1/jobs/{id}/result': { route: api4, options: downloadOptions },
  'GET /v1/stats': { route: legacy('take a URL with a callback') },

  'GET /health/live': { route: operations('is ready when its parts are') },
  'GET /health/ready': { route: operations('is ready when its parts are') },
  'GET /health': { route: operations('is ready when its parts are') },
  'GET /metrics': { route: operations('counts requests by route') },
  'GET /openapi.json': { route: docs },
  'GET /docs': { route: docs },
  'GET /docs/start.js': { route: docs },
  'GET /docs/{file}': { route: docs, options: { file: docs } },
};
