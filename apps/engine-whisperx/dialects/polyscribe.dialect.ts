import { randomUUID } from 'node:crypto';
import { type EngineEvent, type EngineOption, PolyscribeError, WAITING_STAGE } from '#contracts';
import type { Dialect, DialectCall } from '../dialect.js';
import { commonOptions, typedOptions } from '../engine-options.js';
import { fromWhisperLanguage, toWhisperLanguage } from '../languages.js';
import { phraseLine } from '../phrases.js';
import { beamSizes } from '../profiles.js';
import { ProgressTrack } from '../progress-track.js';
import { answerLimit } from '../server-errors.js';
import { engineSegments } from '../transcript/engine-segments.js';
import { parseJson } from '../transcript/parse-json.js';
import { readTranscript } from '../transcript/server-transcript.js';
import { answerError, eventError, warningOf } from './polyscribe-errors.js';
import { type ServerEvent, serverEvent } from './polyscribe-events.js';
import { probePolyscribe } from './polyscribe-probe.js';
import { whisperCapabilities } from './whisper-capabilities.js';

/** The server sends a sign of life every ten seconds. */
const SILENCE_MS = 60_000;

/** For telling the server that nobody wants its work; the closed connection says so as well. */
const CANCEL_MS = 5_000;

const computeTypes = [
  ...['default', 'float32', 'float16', 'bfloat16'],
  ...['int8', 'int8_float32', 'int8_float16', 'int8_bfloat16'],
];

/** As the server bounds them. */
const options: readonly EngineOption[] = [
  ...Object.values(commonOptions),
  { name: 'compute_type', description: "Instead of the profile's.", type: 'text', values: computeTypes },
  { name: 'vad_onset', description: 'Probability at which speech begins.', type: 'number', min: 0, max: 1 },
  { name: 'vad_offset', description: 'Probability at which speech ends.', type: 'number', min: 0, max: 1 },
  { name: 'suppress_numerals', description: 'Writes numbers as words.', type: 'flag' },
  { name: 'exclusive', description: 'One speaker at a time.', type: 'flag' },
  { name: 'fill_nearest', description: 'Words outside of all turns get the nearest speaker.', type: 'flag' },
  { name: 'split_by_speaker', description: 'A segment ends where the speaker changes.', type: 'flag' },
];

/** Stages of a job for the server's phases, where they have another name. */
const stages: Readonly<Record<string, string>> = { queued: WAITING_STAGE, finalizing: 'finishing' };

/** Our own server (apps/whisperx-server): progress while it works, cancelling, errors with codes. */
export const polyscribe: Dialect = {
  name: 'polyscribe',
  options,
  isDeafAtWork: false,
  // The next call uploads while one is worked on.
  expected: (settings) =>
    whisperCapabilities(settings, { diarization: true, maxConcurrency: settings.concurrency ?? 2 }),
  probe: probePolyscribe,
  transcribe,
};

async function* transcribe(call: DialectCall): AsyncGenerator<EngineEvent, void> {
  const { server, request, audio, body, signal } = call;
  const { text: hotwords, warnings } = phraseLine(request.phrases);
  for (const warning of warnings) yield { type: 'warning', warning };
  if (request.wordTimestamps && request.task === 'translate') {
    yield { type: 'warning', warning: { code: 'no_words', message: 'A translation has no words to give times to.' } };
  }
  const requestId = `${request.requestId.replaceAll(/[^A-Za-z0-9._-]/g, '_').slice(0, 80)}.${randomUUID()}`;
  let isOver = false;
  try {
    const answer = await server.send({
      method: 'POST',
      path: 'v1/transcribe',
      query: { options: JSON.stringify(optionsOf(call, hotwords)) },
      headers: {
        'content-type': 'audio/pcm;rate=16000;channels=1;encoding=s16le',
        accept: 'application/x-ndjson',
        'x-request-id': requestId,
      },
      body: audio.pcm(),
      signal,
    });
    if (!answer.isOk) {
      isOver = true;
      throw answerError(answer, await answer.text());
    }
    const track = new ProgressTrack(body);
    const warned = new Set<string>();
    for await (const line of answer.lines(answerLimit(body.ms), SILENCE_MS)) {
      const event = serverEvent(parseJson(line));
      isOver = event?.type === 'result' || event?.type === 'error';
      yield* toEngineEvents(event, call, track, warned);
      if (isOver) return;
    }
    throw new PolyscribeError('engine_unavailable', 'The WhisperX server ended its answer before the result.');
  } finally {
    if (!isOver) cancel(call, requestId);
  }
}

function* toEngineEvents(
  event: ServerEvent | undefined,
  { request, model, body }: DialectCall,
  track: ProgressTrack,
  warned: Set<string>,
): Generator<EngineEvent, void> {
  switch (event?.type) {
    case 'progress':
      yield track.at(stages[event.phase] ?? event.phase, event.overall === undefined ? undefined : event.overall / 100);
      return;
    case 'warning':
      yield* warnOnce([event], warned);
      return;
    case 'error':
      throw eventError(event.error);
    case 'result': {
      yield* warnOnce(event.result.warnings, warned);
      const transcript = readTranscript(event.result, body.ms);
      const wishes = { audioMs: body.ms, words: request.wordTimestamps, speakers: request.diarization !== undefined };
      for (const segment of engineSegments(transcript, { ...wishes, confidence: 'score' })) {
        yield { type: 'segment', segment };
      }
      const language = fromWhisperLanguage(transcript.language) ?? request.language ?? 'und';
      yield { type: 'summary', language, model: event.result.model ?? model, audioMs: body.ms };
      return;
    }
    case undefined:
  }
}

/** The result repeats the warnings that came on the way. */
function* warnOnce(
  warnings: readonly { readonly code: string; readonly message: string }[],
  warned: Set<string>,
): Generator<EngineEvent, void> {
  for (const warning of warnings) {
    if (warned.has(warning.code)) continue;
    warned.add(warning.code);
    yield { type: 'warning', warning: warningOf(warning) };
  }
}

function optionsOf({ request, model, profile, timeoutMs }: DialectCall, hotwords: string): Record<string, unknown> {
  const { vad_onset, vad_offset, ...given } = typedOptions(request.engineOptions, options);
  const { minSpeakers: min, maxSpeakers: max } = request.diarization ?? {};
  const isTranslation = request.task === 'translate';
  return {
    model,
    task: request.task,
    ...(request.language !== undefined && { language: toWhisperLanguage(request.language) }),
    // Aligned text comes in sentences; without it a segment is up to half a minute.
    align:
      !isTranslation && (request.wordTimestamps || request.diarization !== undefined || request.profile !== 'fast'),
    ...(request.diarization && { diarize: true, ...speakerBounds(min, max) }),
    ...(hotwords !== '' && { hotwords }),
    beam_size: beamSizes[request.profile],
    ...computeType(request.profile, profile.traits),
    ...((vad_onset !== undefined || vad_offset !== undefined) && { vad: { onset: vad_onset, offset: vad_offset } }),
    timeout_s: Math.ceil(timeoutMs / 1000),
    ...given,
  };
}

function speakerBounds(min: number | undefined, max: number | undefined): Record<string, number> {
  if (min !== undefined && min === max) return { num_speakers: min };
  return { ...(min !== undefined && { min_speakers: min }), ...(max !== undefined && { max_speakers: max }) };
}

/** `balanced` takes what the operator of the server chose. */
function computeType(profile: string, traits: ReadonlySet<string>): Record<string, string> {
  const isGpu = traits.has('cuda');
  if (profile === 'fast') return { compute_type: isGpu ? 'int8_float16' : 'int8' };
  if (profile === 'precise') return { compute_type: isGpu ? 'float16' : 'float32' };
  return {};
}

/** For proxies that hide from the server that its client has left. It may fail: the job's own limit ends it then. */
function cancel({ server }: DialectCall, requestId: string): void {
  void server
    .send({ method: 'DELETE', path: `v1/jobs/${requestId}`, signal: AbortSignal.timeout(CANCEL_MS) })
    .then((answer) => answer.close())
    .catch(() => undefined);
}
