import type { EngineSegment, EngineWord } from '#contracts';

/** A segment whose speakers still carry the server's labels. */
export interface LabelledSegment extends Omit<EngineSegment, 'speakerTag' | 'words'> {
  readonly speaker: string | undefined;
  readonly words: readonly LabelledWord[];
}

export interface LabelledWord extends Omit<EngineWord, 'speakerTag'> {
  readonly speaker: string | undefined;
}

/** Numbers the speakers from 0 in order of first speech: servers label them in the order of their clusters. */
export class SpeakerTags {
  private readonly tags = new Map<string, number>();

  /** @param segments in time order */
  constructor(segments: readonly LabelledSegment[]) {
    // Who speaks a segment of their own comes before those who only throw in a word.
    for (const segment of segments) this.note(speakerOf(segment));
    for (const word of segments.flatMap((segment) => segment.words)) this.note(word.speaker);
  }

  /** The member to add to a segment or word; empty where nobody is known to have spoken. */
  of(speaker: string | undefined): { readonly speakerTag?: number } {
    const tag = speaker === undefined ? undefined : this.tags.get(speaker);
    return tag === undefined ? {} : { speakerTag: tag };
  }

  private note(speaker: string | undefined): void {
    if (speaker !== undefined && !this.tags.has(speaker)) this.tags.set(speaker, this.tags.size);
  }
}

/** Who speaks a segment; where the server does not say, whoever says most of its words. */
export function speakerOf(segment: LabelledSegment): string | undefined {
  if (segment.speaker !== undefined) return segment.speaker;
  const spokenMs = new Map<string, number>();
  for (const { speaker, startMs, endMs } of segment.words) {
    if (speaker !== undefined) spokenMs.set(speaker, (spokenMs.get(speaker) ?? 0) + endMs - startMs);
  }
  return [...spokenMs].toSorted(([, a], [, b]) => b - a)[0]?.[0];
}
