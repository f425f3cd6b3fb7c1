import { type FfmpegSettings, mediaFacts, type MediaInfo, probeMedia } from '#audio';
import type { MediaFacts, MediaObject } from '#contracts';

/** What the headers of a recording say. */
export interface KnownFacts {
  readonly facts: MediaFacts;
  /** Whether nobody has written them down yet. */
  readonly areNew: boolean;
}

/**
 * What a recording's headers say, found out once and when somebody asks for it: to find out takes about as long as it takes
 * to decode the first words, and who decodes does not need it.
 */
export class MediaHeader {
  private asked: Promise<KnownFacts> | undefined;

  /**
   * @param path of a local copy
   * @param stored as an earlier attempt may have written it down
   */
  constructor(
    private readonly path: string,
    private readonly stored: MediaObject,
    private readonly settings: FfmpegSettings,
    private readonly signal: AbortSignal,
  ) {}

  /** Takes what whoever reads the recording found in passing. */
  found(info: MediaInfo): void {
    if (!this.stored.facts) this.asked ??= Promise.resolve({ facts: mediaFacts(info), areNew: true });
  }

  /** @throws what `probeMedia` throws */
  ask(): Promise<KnownFacts> {
    this.asked ??= this.find();
    // Whoever asks for it in passing leaves the failure to those who need the answer.
    this.asked.catch(() => undefined);
    return this.asked;
  }

  private async find(): Promise<KnownFacts> {
    const { facts } = this.stored;
    if (facts) return { facts, areNew: false };
    return { facts: mediaFacts(await probeMedia(this.path, this.settings, this.signal)), areNew: true };
  }
}
