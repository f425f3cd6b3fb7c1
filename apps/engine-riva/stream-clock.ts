/**
 * From times in a stream to times in the audio. A stream may begin in the middle of the audio, after a reconnect, and hold
 * silence that kept it alive and that is not part of the audio.
 */
export class StreamClock {
  private readonly silences: { readonly fromMs: number; readonly ms: number }[] = [];

  /** @param baseMs where in the audio the stream begins */
  constructor(private readonly baseMs: number) {}

  /** @param fromMs time in the stream at which the silence was put in; never falls */
  addSilence(fromMs: number, ms: number): void {
    this.silences.push({ fromMs, ms });
  }

  /** A time within a silence is where in the audio it was put in. */
  toAudioMs(streamMs: number): number {
    let addedMs = 0;
    for (const { fromMs, ms } of this.silences) {
      if (streamMs <= fromMs) break;
      addedMs += Math.min(ms, streamMs - fromMs);
    }
    return this.baseMs + streamMs - addedMs;
  }
}
