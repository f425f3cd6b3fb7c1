import { readFile, stat } from 'node:fs/promises';
import { extname } from 'node:path';
import { z } from 'zod';
import { CliError } from './cli-error.js';

/** More than a day of speech in the wordiest format. */
const MAX_BYTES = 20_000_000;

const jsonSchema = z.union([
  z.object({ text: z.string() }),
  z.object({ segments: z.array(z.object({ text: z.string() })) }),
]);

/** The spoken text of a txt, srt, vtt or json file; other endings are read as plain text. */
export async function readTranscript(path: string): Promise<string> {
  const found = await stat(path).catch(() => undefined);
  if (!found) throw new CliError(`There is no file ${path}.`);
  if (!found.isFile()) throw new CliError(`${path} is not a file.`);
  if (found.size > MAX_BYTES) throw new CliError(`${path} is too large: at most ${MAX_BYTES / 1e6} MB.`);
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new CliError(`${path} cannot be read by you.`, { cause: error });
  });
  const readers: Readonly<Record<string, (content: string) => string>> = {
    '.srt': cueText,
    '.vtt': cueText,
    '.json': (content) => jsonText(content, path),
  };
  return readers[extname(path).toLowerCase()]?.(text) ?? text;
}

/** The text of subtitles: no numbers, times, headers, notes and tags. */
function cueText(content: string): string {
  return content
    .replace(/^\uFEFF/, '')
    .replace(/\r\n?/g, '\n')
    .split(/\n{2,}/)
    .flatMap((block) => {
      const lines = block.split('\n');
      const timing = lines.findIndex((line) => line.includes('-->'));
      // Headers, notes and styles have no times.
      return timing === -1 ? [] : lines.slice(timing + 1);
    })
    .map((line) => unescaped(line.replace(/<[^<>]*>/g, '')))
    .join(' ');
}

function unescaped(line: string): string {
  const characters: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', nbsp: ' ', lrm: '', rlm: '' };
  return line.replace(/&(amp|lt|gt|nbsp|lrm|rlm);/g, (_, name: string) => characters[name] ?? '');
}

function jsonText(content: string, path: string): string {
  let value: unknown;
  try {
    value = JSON.parse(content);
  } catch (error) {
    throw new CliError(`${path} is no JSON.`, { cause: error });
  }
  const parsed = jsonSchema.safeParse(value);
  if (!parsed.success) throw new CliError(`${path} has neither "text" nor "segments" with a "text" each.`);
  return 'text' in parsed.data ? parsed.data.text : parsed.data.segments.map((segment) => segment.text).join(' ');
}
