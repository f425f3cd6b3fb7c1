import type { EngineEvent, EngineRequest } from '#contracts';
import type { CallReporter, RemoteEngine } from '#engine-client';
import type { EngineCaller, EngineCallMeter } from './engine-call.js';

/** Calls engines over the wire and tells the registry how each call went. */
export class MeasuredEngines implements EngineCaller {
  constructor(
    private readonly remote: RemoteEngine,
    private readonly reporter: CallReporter,
  ) {}

  transcribe(
    address: string,
    request: EngineRequest,
    audio: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): AsyncIterable<EngineEvent> {
    return this.remote.transcribe(address, request, audio, signal);
  }

  measure(instanceId: string): EngineCallMeter {
    return this.reporter.measure(instanceId);
  }
}
