import { BYTES_PER_SAMPLE, SAMPLE_RATE_HZ, msToPcmBytes } from '#contracts';

/** Words that scripted speech can say; each is a tone of its own loudness. */
export const scriptedWords = [
  'alpha',
  'bravo',
  'charlie',
  'delta',
  'echo',
  'foxtrot',
  'golf',
  'hotel',
  'india',
  'juliett',
  'kilo',
  'lima',
  'mike',
  'november',
  'oscar',
  'papa',
] as const;
export type ScriptedWord = (typeof scriptedWords)[number];

/** Times of the tones: words of a sentence are close together, sentences are apart. */
const scriptedTimes = { wordMs: 300, wordGapMs: 60, sentenceGapMs: 400 } as const;

const QUIETEST = 4_000;
const STEP = 1_500;
/** The pitch of a word rises from 180 to 220 Hz, as voices glide: what looks for speech is to find it. */
const HALF_PERIOD_SAMPLES = { first: 44, last: 36 } as const;

/** Loudness below this is silence. */
export const SILENCE_BELOW = QUIETEST / 2;

/** The word that a tone of that loudness stands for; the nearest where it is none of ours. */
export function wordOfLoudness(peak: number): ScriptedWord {
  const index = Math.min(Math.max(Math.round((peak - QUIETEST) / STEP), 0), scriptedWords.length - 1);
  return scriptedWords[index] ?? 'alpha';
}

/** PCM in which a {@link ScriptedEngine} hears these sentences: a quiet lead-in, then each sentence and a pause. */
export function scriptedSpeech(sentences: readonly (readonly ScriptedWord[])[]): Buffer {
  const parts = [silence(scriptedTimes.sentenceGapMs)];
  for (const sentence of sentences) {
    sentence.forEach((word, index) => {
      if (index > 0) parts.push(silence(scriptedTimes.wordGapMs));
      parts.push(toneOf(word));
    });
    parts.push(silence(scriptedTimes.sentenceGapMs));
  }
  return Buffer.concat(parts);
}

/** That much PCM of nothing. */
export function silence(ms: number): Buffer {
  return Buffer.alloc(msToPcmBytes(ms));
}

/** PCM as a WAV file, for tests that upload. */
export function wavFile(pcm: Buffer): Buffer {
  const header = Buffer.alloc(44);
  header.write('RIFF', 0);
  header.writeUInt32LE(36 + pcm.length, 4);
  header.write('WAVEfmt ', 8);
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(SAMPLE_RATE_HZ, 24);
  header.writeUInt32LE(SAMPLE_RATE_HZ * BYTES_PER_SAMPLE, 28);
  header.writeUInt16LE(BYTES_PER_SAMPLE, 32);
  header.writeUInt16LE(8 * BYTES_PER_SAMPLE, 34);
  header.write('data', 36);
  header.writeUInt32LE(pcm.length, 40);
  return Buffer.concat([header, pcm]);
}

/** Speech of minutes says the same few words thousands of times. */
const tones = new Map<ScriptedWord, Buffer>();

function toneOf(word: ScriptedWord): Buffer {
  const made = tones.get(word) ?? tone(QUIETEST + STEP * scriptedWords.indexOf(word), scriptedTimes.wordMs);
  tones.set(word, made);
  return made;
}

function tone(loudness: number, ms: number): Buffer {
  const pcm = silence(ms);
  const samples = pcm.length / BYTES_PER_SAMPLE;
  const { first, last } = HALF_PERIOD_SAMPLES;
  let isUp = true;
  let turnsAt: number = first;
  for (let sample = 0; sample < samples; sample += 1) {
    if (sample >= turnsAt) {
      isUp = !isUp;
      turnsAt += first + ((last - first) * sample) / samples;
    }
    pcm.writeInt16LE(isUp ? loudness : -loudness, sample * BYTES_PER_SAMPLE);
  }
  return pcm;
}
