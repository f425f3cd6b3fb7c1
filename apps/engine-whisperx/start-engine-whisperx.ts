import { hostEngine } from '#engine-host';
import type { RunningService, ServiceContext } from '#service-host';
import { WhisperxEngine } from './whisperx-engine.js';

/**
 * Registers an engine instance for each server: load, health and capabilities are then known one by one, and work that one
 * of them fails goes to another as it would between engines.
 */
export async function startEngineWhisperx(context: ServiceContext): Promise<RunningService> {
  const { config, logger } = context;
  const { whisperx } = config;
  if (!whisperx) throw new Error('engine-whisperx needs WHISPERX_SERVICE_URL to be set.');
  const starts = whisperx.servers.map((url, portOffset) =>
    hostEngine({ engine: new WhisperxEngine({ ...whisperx, url, logger }), context, portOffset }),
  );
  const outcomes = await Promise.allSettled(starts);
  const stop = async (): Promise<void> => {
    await Promise.all(outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value.stop()] : [])));
  };
  const failure = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failure) {
    await stop();
    throw failure.reason;
  }
  return { stop };
}
