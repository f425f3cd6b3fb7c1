import { problemExample } from './api-components.js';

const jobId = '7f0c2f5e-8f5f-4d0e-9d0a-3c1b5f2a6e11';
const transcriptId = '1b6c5e0a-52f5-4a55-8a0e-6b4e0c7d9f20';
const sessionId = '0d9a4b36-7a51-4f38-9a2c-6f3f8f2f1a44';
const contextId = 'c1d7a0de-3a0b-4c52-9c3f-5d7b2a9e8f01';
const endpointId = 'e5a1f0c4-9b7d-4a68-8f12-2c6d4b3a7e90';
const times = { created_at: '2026-01-31T12:00:00.000Z', started_at: '2026-01-31T12:00:01.200Z' };
const updated = { created_at: '2026-01-31T12:00:00.000Z', updated_at: '2026-01-31T12:00:00.000Z' };
const url = 'https://files.example.com/visit.mp3';
const audio = `https://asr.example.com/api/media/media/${jobId}/source.mp3?expires=1769864400&filename=visit.mp3&signature=q3Y`;

const words = [
  { word: 'How', start: 0.07, end: 0.3, confidence: 0.98, speaker_tag: 0 },
  { word: 'are', start: 0.3, end: 0.5, interpolated: true },
];
const segments = [
  { id: '0-0', start: 0.07, end: 2, text: 'How are you?', speaker_tag: 0, confidence: 0.9, words },
  { id: '0-1', start: 2.5, end: 4.8, text: 'Much better.', speaker_tag: 1 },
];
const text = 'How are you? Much better.';

const heard = [
  { start: 0.07, end: 2, text: 'How are you?', speaker_tag: 0 },
  { start: 2.5, end: 4.8, text: 'Much better.', speaker_tag: 1, confidence: 0.93 },
];
const reported = {
  job_id: jobId,
  offer_id: '3f5d8f0e-1f0b-4f43-9a51-0c8e2d7b6a94',
  worker_id: 'gpu-7',
  sequence: 1,
};

const accepted = {
  job_id: jobId,
  transcript_id: transcriptId,
  engine: 'auto',
  status: 'queued',
  message: 'The job is queued.',
};
const job = {
  job_id: jobId,
  transcript_id: transcriptId,
  status: 'completed',
  progress: 100,
  stage: 'done',
  message: 'The transcript is complete.',
  engine: 'auto',
  worker_id: 'worker-1',
  attempts: 1,
  ...times,
  completed_at: '2026-01-31T12:00:09.000Z',
  stages: [{ name: 'transcribing', started_at: times.started_at, seconds: 7.8 }],
  result: { segments_count: 2, duration: 5 },
};
const failedJob = {
  ...job,
  status: 'failed',
  progress: 40,
  stage: 'transcribing',
  message: 'Every engine failed.',
  result: undefined,
  error: {
    code: 'engine_bad_response',
    message: 'Every engine failed.',
    retryable: true,
    attempts: [{ engine: 'local', instance: 'local-1', code: 'engine_bad_response', message: 'It broke.' }],
  },
};

const component = { status: 'up', latency_ms: 1.2 };
const engine = {
  engine: 'local',
  available: true,
  uri: 'in-process',
  model: 'base',
  language: 'en',
  models: ['base', 'tiny'],
  languages: ['en'],
  features: { word_timestamps: false, diarization: false, max_audio_s: null },
  engine_options: [],
  instances: [
    {
      id: 'local-1',
      address: '127.0.0.1:50061',
      version: '1.0.0',
      state: 'serving',
      breaker: { state: 'closed', since: '2026-01-31T08:00:00.000Z' },
      in_flight: 0,
      capacity: 1,
      speed: 31.4,
      queue_s: 0.12,
      calls: 40,
      error_rate: 0.024,
      errors_5m: 1,
      last_error: {
        code: 'engine_timeout',
        message: 'local did not finish within 35 s.',
        at: '2026-01-31T11:58:30.000Z',
      },
      up_since: '2026-01-31T08:00:00.000Z',
      last_seen: '2026-01-31T12:00:09.000Z',
    },
  ],
  health: { status: 'serving' },
};
const away = {
  ...engine,
  available: false,
  reason: 'no instance is registered',
  model: '',
  language: '',
  models: [],
  languages: [],
  instances: [],
  health: { status: 'unavailable' },
};

const context = {
  id: contextId,
  name: 'Drugs',
  language: 'en-US',
  terms: [{ phrase: 'amoxicillin', boost: 20 }, { phrase: 'São Paulo' }],
  ...updated,
};
const endpoint = {
  id: endpointId,
  url: 'https://hooks.example.com/transcripts',
  event_types: ['job.completed'],
  payload: 'thin',
  description: 'The archive',
  enabled: true,
  disabled_reason: null,
  ...updated,
};
const delivery = {
  id: '5d1f7a7a-0d26-4a0a-9d53-8f1be3a0c6d2',
  endpoint_id: endpointId,
  job_id: jobId,
  event: 'job.completed',
  occurred_at: '2026-01-31T12:00:09.000Z',
  state: 'delivered',
  next_try_at: null,
  delivered_at: '2026-01-31T12:00:10.000Z',
  tries: [{ at: '2026-01-31T12:00:09.900Z', seconds: 0.1, status: 204, error: null, response: '' }],
};

const options = { language: 'pt-BR', enable_diarization: true, tags: ['cardiology'], metadata: { ward: 7 } };
const byName = { url, session_id: sessionId, context_id: contextId, ...options };
const withFile = { file: 'The bytes of visit.mp3', engine: 'auto', ...options };

const transcription = {
  job_id: jobId,
  transcript_id: transcriptId,
  status: 'completed',
  filename: 'visit.mp3',
  progress: 100,
  message: 'The transcript is complete.',
  ...times,
  completed_at: '2026-01-31T12:00:09.000Z',
};
const card = {
  id: transcriptId,
  job_id: jobId,
  title: 'Visit',
  tags: ['cardiology'],
  status: 'completed',
  quality_profile: 'balanced',
  created_at: times.created_at,
  metadata: {},
};
const workerJob = { job_id: jobId, status: 'started', percent: 40, db_id: 'row-7' };

/** Examples of each schema, which are valid by it. */
export const examples: Readonly<Record<string, readonly unknown[]>> = {
  Submission: [withFile],
  SubmissionByName: [byName],
  LibrarySubmission: [{ ...withFile, engine: undefined, diarization: true, enable_diarization: undefined }],
  LibrarySubmissionByName: [{ url, language: 'es', profile: 'fast', diarization: true }],
  WorkerSubmission: [{ file: 'The bytes of visit.mp3', source_type: 'upload', task: 'translate', output: 'srt' }],
  WorkerSubmissionByName: [{ source_type: 'url', url, language: 'id', output: 'vtt', db_id: 'row-7' }],
  ContextContent: [{ name: context.name, language: context.language, terms: context.terms }],
  EvaluationRequest: [
    { reference: 'How are you?', hypothesis: 'how are you to' },
    { reference: 'How are you?', hypothesis_transcript_id: transcriptId, ignore_punctuation: false },
  ],
  WebhookEndpointContent: [{ url: endpoint.url, event_types: ['job.completed'], description: 'The archive' }],
  WebhookEndpointChange: [{ enabled: false }],
  RemoteReport: [
    { type: 'transcription.started', timestamp: times.started_at, data: reported },
    {
      type: 'transcription.progress',
      data: { ...reported, sequence: 2, progress: 50, stage: 'aligning', segments: heard.slice(0, 1) },
    },
    {
      type: 'transcription.completed',
      data: { ...reported, sequence: 3, segments: heard, language: 'en', model: 'large-v3', engine: 'whisperx' },
    },
    {
      type: 'transcription.failed',
      data: {
        ...reported,
        sequence: 3,
        code: 'engine_unavailable',
        message: 'No graphics card is free.',
        retryable: true,
      },
    },
  ],
  Problem: [problemExample('invalid_request')],
  Accepted: [accepted],
  Job: [job, failedJob],
  JobList: [{ jobs: [job], next_cursor: 'MjAyNi0wMS0zMQ' }],
  Result: [
    {
      job_id: jobId,
      transcript_id: transcriptId,
      status: 'completed',
      filename: 'visit.mp3',
      audio_url: audio,
      language: 'en',
      duration: 5,
      engine: 'auto',
      engine_used: 'local',
      model: 'base',
      text,
      segments,
      speaker_roles: { 0: 'provider', 1: 'patient' },
      warnings: [{ code: 'unsupported_feature', message: 'The engine gives no word times.' }],
      tags: ['cardiology'],
      session_id: sessionId,
    },
  ],
  Engines: [
    {
      engines: {
        asr: { ...away, engine: 'asr' },
        whisperx: { ...away, engine: 'whisperx', uri: undefined, url: '', available_models: [] },
        local: engine,
      },
      default_engine: 'auto',
    },
  ],
  Route: [
    {
      policy: { kind: 'prefer', engines: ['asr', 'whisperx', 'local'] },
      accepted: true,
      last_resort: false,
      call_s: 120,
      candidates: [
        {
          instance: 'local-1',
          engine: 'local',
          rank: [
            { name: 'stands_in', value: 0 },
            { name: 'preference', value: 2 },
          ],
          figures: {
            ...{ expected_s: 7.2, cost: 0, load: 0.5, real_time_factor: 0.06, error_rate: 0, queue_ms: 4 },
            ...{ in_flight: 0, capacity: 2, breaker: 'closed' },
          },
        },
      ],
      rejections: [
        {
          instance: 'asr-1',
          engine: 'asr',
          code: 'language',
          detail: 'asr does not know the language de.',
          permanent: true,
        },
      ],
    },
    {
      policy: { kind: 'fastest' },
      accepted: false,
      refusal: { code: 'no_engine', status: 503, detail: 'No instance of the engine asr is running.' },
      last_resort: false,
      call_s: null,
      candidates: [],
      rejections: [],
    },
  ],
  Cancelled: [{ job_id: jobId, status: 'cancelled', message: 'The job is cancelled.' }],
  Stats: [{ queued: 3, processing: 2, completed: 120, failed: 1, cancelled: 4, workers: 2 }],
  Health: [
    {
      status: 'up',
      components: {
        database: component,
        queue: component,
        events: component,
        objects: component,
        registry: component,
      },
    },
  ],
  Live: [{ status: 'up', service: 'polyscribe' }],
  Evaluation: [
    {
      wer: 0.333333,
      substitutions: 0,
      insertions: 1,
      deletions: 0,
      reference_words: 3,
      hypothesis_words: 4,
      diff: [
        { type: 'equal', reference: 'How are you?', hypothesis: 'how are you' },
        { type: 'insertion', hypothesis: 'to' },
      ],
      diff_truncated: false,
    },
  ],
  Context: [context],
  ContextList: [{ contexts: [{ ...context, terms: undefined, terms_count: 2 }], next_cursor: 'MjAyNi0wMS0zMQ' }],
  WebhookEndpoint: [endpoint],
  NewWebhookEndpoint: [{ ...endpoint, secret: 'whsec_ZXhhbXBsZSBvZiBhIHNlY3JldCBvZiAzMiBieXRlcy4u' }],
  WebhookEndpointList: [{ endpoints: [endpoint] }],
  WebhookSecret: [
    {
      secret: 'whsec_ZXhhbXBsZSBvZiBhIHNlY3JldCBvZiAzMiBieXRlcy4u',
      previous_valid_until: '2026-02-01T12:00:00.000Z',
    },
  ],
  WebhookDeliveryList: [{ deliveries: [delivery] }],
  RemoteReportAnswer: [{ job_id: jobId, sequence: 3, applied: true }],
  WebhookRedelivery: [{ id: delivery.id, message: 'It is sent again, under the same id.' }],
  TranscriptionAccepted: [
    { job_id: jobId, transcript_id: transcriptId, status: 'pending', message: 'The job is queued.' },
  ],
  Transcription: [{ ...transcription, result: { text, language: 'en', duration: 5, segments, audio_url: audio } }],
  TranscriptionList: [{ transcriptions: [transcription] }],
  LibraryAccepted: [{ job_id: jobId, status: 'queued', quality_profile: 'balanced' }],
  LibraryList: [{ transcripts: [card] }],
  LibraryTranscript: [{ ...card, language: 'en', duration: 5, audio_url: audio, segments }],
  WorkerJob: [workerJob, { ...workerJob, status: 'failed', error: 'Every engine failed.' }],
  WorkerStats: [{ queued: 3, started: 2, failed: 5, finished: 120, workers: 2 }],
};
