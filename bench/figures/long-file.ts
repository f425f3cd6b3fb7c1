import { execFileSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { accepted, result, watch } from '../../test/support/api.js';
import { MeshProcess, sample, temporaryDataDir } from '../../test/support/mesh-process.js';
import { markdownTable, surroundings } from '../harness/surroundings.js';

/**
 * Does the memory of the whole mesh in one process grow with the length of a file? Transcribes 10 and 60 minutes of
 * speech with the model `tiny`, each on a fresh mesh, and prints the highest resident memory of the process.
 */
const minutes = [10, 60];
const rows: string[][] = [];

for (const length of minutes) {
  const data = await temporaryDataDir();
  const file = join(data.path, `speech-${length}-min.opus`);
  repeatSpeech(file, length * 60);
  const mesh = await MeshProcess.start(join(data.path, 'mesh'), { LOCAL_MODEL: 'tiny' });
  try {
    const before = residentMiB(mesh.pid, 'VmRSS');
    const started = performance.now();
    const job = await accepted(mesh.http, file);
    let firstText: number | undefined;
    for await (const { type } of watch(mesh.http, job.job_id)) {
      if (type === 'delta') firstText ??= performance.now() - started;
    }
    const seconds = (performance.now() - started) / 1000;
    const { segments, duration } = await result(mesh.http, job.job_id);
    rows.push([
      `${length} min`,
      `${(statSync(file).size / 1e6).toFixed(1)} MB`,
      `${seconds.toFixed(1)} s`,
      `${(duration / seconds).toFixed(0)} x`,
      `${((firstText ?? NaN) / 1000).toFixed(2)} s`,
      String(segments.length),
      `${before} MiB`,
      `${residentMiB(mesh.pid, 'VmHWM')} MiB`,
    ]);
  } finally {
    await mesh.stop();
    await data.remove();
  }
}

const head = ['speech', 'file', 'time', 'speed', 'first text', 'segments', 'memory before', 'highest memory'];
process.stdout.write(`${surroundings()}\n\n${markdownTable(head, rows)}\n`);

/** The five-minute sample over and over, cut to that many seconds. */
function repeatSpeech(file: string, seconds: number): void {
  const input = ['-stream_loop', '-1', '-i', sample('long-read.opus'), '-t', String(seconds)];
  execFileSync('ffmpeg', ['-v', 'error', ...input, '-c:a', 'libopus', '-b:a', '24k', file]);
}

/** A line of proc_pid_status(5): VmRSS is memory now, VmHWM the highest so far. */
function residentMiB(pid: number, field: 'VmRSS' | 'VmHWM'): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Math.round(Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]) / 1024);
}
