import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { decodePcm } from '#audio';
import { loadConfig } from '#config';
import { SAMPLE_RATE_HZ } from '#contracts';

/** A sample of the project: its sound as PCM and what is said in it. */
export async function sample(name: string): Promise<{ pcm: Buffer; text: string }> {
  const path = (extension: string) =>
    fileURLToPath(new URL(`../../../../samples/${name}.${extension}`, import.meta.url));
  const chunks: Buffer[] = [];
  const options = { settings: loadConfig({}).ffmpeg, signal: new AbortController().signal };
  for await (const chunk of decodePcm(path('opus'), options)) chunks.push(chunk);
  return { pcm: Buffer.concat(chunks), text: await readFile(path('txt'), 'utf8') };
}

/** PCM of a function of time in seconds that gives -1..1. */
export function generated(seconds: number, wave: (time: number) => number): Buffer {
  const samples = Int16Array.from({ length: seconds * SAMPLE_RATE_HZ }, (_, i) => 32_767 * wave(i / SAMPLE_RATE_HZ));
  return Buffer.from(samples.buffer);
}

/** The same noise each time: a linear congruential generator (Numerical Recipes), -1..1. */
export function noise(): () => number {
  let state = 1;
  return () => {
    state = (1_664_525 * state + 1_013_904_223) % 2 ** 32;
    return state / 2 ** 31 - 1;
  };
}
