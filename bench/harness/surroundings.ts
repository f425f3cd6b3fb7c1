import { execFileSync } from 'node:child_process';
import { cpus, totalmem } from 'node:os';

/** What a figure means nothing without: machine and versions. */
export function surroundings(): string {
  const model = cpus()[0]?.model ?? 'unknown processor';
  const memory = Math.round(totalmem() / 2 ** 30);
  const ffmpeg = execFileSync('ffmpeg', ['-version'], { encoding: 'utf8' }).split('\n')[0] ?? '';
  return `${cpus().length} x ${model}, ${memory} GiB, Node ${process.version}, ${ffmpeg.split(' Copyright')[0] ?? ''}`;
}

/** Rows as a Markdown table. */
export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
