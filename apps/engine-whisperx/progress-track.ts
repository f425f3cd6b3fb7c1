import type { EngineEvent } from '#contracts';
import type { AudioBody } from './audio-body.js';

/** Turns a server's word about how far it is into progress that never falls and stays within the audio. */
export class ProgressTrack {
  private lastMs = 0;

  constructor(private readonly body: AudioBody) {}

  /** @param share 0 to 1 of the whole work; undefined when only the stage is known */
  at(stage: string, share?: number): EngineEvent {
    const ms = Math.min(Math.max(share ?? 0, 0), 1) * this.body.ms;
    this.lastMs = Math.max(this.lastMs, ms);
    return { type: 'progress', processedMs: this.lastMs, stage };
  }
}
