import type { riva } from '#protos';
import type { CallContext } from 'nice-grpc';
import type { RivaMethod } from './riva-fault.js';

/** Calls beyond that many are served and not recorded. */
const MAX_RECORDED = 10_000;

/** One call as the server saw it. */
export interface SeenCall {
  /** Counts the calls of the method from 1. */
  readonly number: number;
  readonly method: RivaMethod;
  /** What came as metadata, text only. */
  readonly metadata: Readonly<Record<string, readonly string[]>>;
  state: 'running' | 'done' | 'failed' | 'cancelled';
  config?: riva.RecognitionConfig;
  interimResults?: boolean;
  requestId?: string;
  /** What was asked of GetRivaSpeechRecognitionConfig. */
  modelName?: string;
  /** Bytes of audio as they came, with their header. */
  audioBytes: number;
  audioMessages: number;
  largestAudioMessage: number;
  /** Messages of nothing but zeros: pauses of the speech, or a stream kept alive. */
  silentMessages: number;
  runtimeConfigs: Record<string, string>[];
  /** Words that were heard, in order. */
  words: string[];
  finals: number;
  interims: number;
}

/** What a simulator saw, as a copy that can leave its process. */
export interface SeenSoFar {
  readonly calls: readonly SeenCall[];
  /** Calls of the health service. */
  readonly healthChecks: number;
  /** Streams that are open now. */
  readonly openStreams: number;
  /** The most streams that ever were open at once. */
  readonly mostOpenStreams: number;
}

/** What a simulator sees, so that tests count instead of guessing. */
export class SeenCalls implements SeenSoFar {
  readonly calls: SeenCall[] = [];
  healthChecks = 0;
  openStreams = 0;
  mostOpenStreams = 0;
  private readonly counts = new Map<RivaMethod, number>();

  /** The calls of one method, in the order in which they began. */
  of(method: RivaMethod): readonly SeenCall[] {
    return this.calls.filter((call) => call.method === method);
  }

  soFar(): SeenSoFar {
    const { calls, healthChecks, openStreams, mostOpenStreams } = this;
    return { calls, healthChecks, openStreams, mostOpenStreams };
  }

  begin(method: RivaMethod, metadata: CallContext['metadata']): SeenCall {
    const number = (this.counts.get(method) ?? 0) + 1;
    this.counts.set(method, number);
    const call: SeenCall = {
      number,
      method,
      metadata: textOf(metadata),
      state: 'running',
      audioBytes: 0,
      audioMessages: 0,
      largestAudioMessage: 0,
      silentMessages: 0,
      runtimeConfigs: [],
      words: [],
      finals: 0,
      interims: 0,
    };
    if (this.calls.length < MAX_RECORDED) this.calls.push(call);
    return call;
  }
}

/** Notes what the call is asked to do. */
export function noteRequest(call: SeenCall, config: riva.RecognitionConfig, id: riva.RequestId | undefined): void {
  call.config = config;
  if (id) call.requestId = id.value;
}

/** Notes one message of audio. */
export function noteAudio(call: SeenCall, audio: Buffer): void {
  call.audioBytes += audio.length;
  call.audioMessages += 1;
  call.largestAudioMessage = Math.max(call.largestAudioMessage, audio.length);
  if (audio.length > 0 && audio.every((byte) => byte === 0)) call.silentMessages += 1;
}

function textOf(metadata: CallContext['metadata']): Record<string, string[]> {
  const seen: Record<string, string[]> = {};
  for (const [key, values] of metadata) {
    seen[key] = values.filter((value) => typeof value === 'string');
  }
  return seen;
}
