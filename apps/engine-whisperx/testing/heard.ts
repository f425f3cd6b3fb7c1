import { type HeardSentence, ToneReader } from '#engine-testkit';

export interface HeardWord {
  word: string;
  start?: number;
  end?: number;
  score?: number;
  speaker?: string;
}

/** A segment as the whisperx library gives it. */
export interface HeardSegment {
  start: number;
  end: number;
  text: string;
  speaker?: string;
  words: HeardWord[];
}

/** What WhisperX would make of scripted speech; labels of speakers are not in the order in which they speak. */
export function hear(pcm: Uint8Array, speakers = false): HeardSegment[] {
  const reader = new ToneReader();
  const last = (sentence: HeardSentence | undefined): HeardSentence[] => (sentence ? [sentence] : []);
  const sentences = [...reader.push(pcm), ...last(reader.end())];
  return sentences.map((sentence) => {
    const label = speakers ? { speaker: (sentence[0]?.text ?? '') < 'india' ? 'SPEAKER_01' : 'SPEAKER_00' } : {};
    return {
      start: (sentence[0]?.startMs ?? 0) / 1000,
      end: (sentence.at(-1)?.endMs ?? 0) / 1000,
      text: ` ${sentence.map(({ text }) => text).join(' ')}`,
      ...label,
      words: sentence.map(({ text, startMs, endMs }) => ({
        word: text,
        start: startMs / 1000,
        end: endMs / 1000,
        score: 0.9,
        ...label,
      })),
    };
  });
}

/** Segments as they are without alignment. */
export function withoutWords(segments: readonly HeardSegment[]): Omit<HeardSegment, 'words'>[] {
  return segments.map(({ start, end, text, speaker }) => ({ start, end, text, ...(speaker && { speaker }) }));
}

/** Samples of a WAV file; the file as it is when it is none. */
export function samplesOf(file: Buffer): Buffer {
  return file.subarray(0, 4).toString() === 'RIFF' ? file.subarray(44) : file;
}
