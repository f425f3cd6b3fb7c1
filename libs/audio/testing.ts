import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SAMPLE_RATE_HZ } from '#contracts';

/** A folder for one test file's media. Whoever makes one disposes of it. */
export class MediaFolder {
  readonly path = mkdtempSync(join(tmpdir(), 'polyscribe-media-'));

  /** Makes a file with ffmpeg from its arguments, such as `'-f', 'lavfi', '-i', 'sine=d=2'`, and gives its path. */
  make(name: string, ...ffmpegArguments: string[]): string {
    const path = join(this.path, name);
    execFileSync('ffmpeg', ['-nostdin', '-y', '-v', 'error', ...ffmpegArguments, `file:${path}`]);
    return path;
  }

  write(name: string, content: string | Uint8Array): string {
    const path = join(this.path, name);
    writeFileSync(path, content);
    return path;
  }

  /** A shell script that can stand in for a program. */
  script(name: string, body: string): string {
    const path = this.write(name, `#!/bin/sh\n${body}\n`);
    chmodSync(path, 0o755);
    return path;
  }

  folder(name: string): string {
    const path = join(this.path, name);
    mkdirSync(path);
    return path;
  }

  dispose(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** s16le mono PCM at 16 kHz from a function of the sample's number, with values from -1 to 1. */
export function makePcm(ms: number, value: (sample: number) => number): Buffer {
  const samples = Math.round((ms * SAMPLE_RATE_HZ) / 1000);
  const pcm = Buffer.alloc(samples * 2);
  for (let i = 0; i < samples; i++) pcm.writeInt16LE(Math.round(value(i) * 32_767), i * 2);
  return pcm;
}

/** A sine of 200 Hz, which is speech enough for anything that measures loudness. */
export function makeTone(ms: number, amplitude = 0.5): Buffer {
  return makePcm(ms, (sample) => amplitude * Math.sin((2 * Math.PI * 200 * sample) / SAMPLE_RATE_HZ));
}

export function makeSilence(ms: number): Buffer {
  return makePcm(ms, () => 0);
}

/** Root mean square of PCM from 0 to 1, between two times. */
export function loudness(pcm: Buffer, fromMs = 0, toMs = Infinity): number {
  const first = Math.round((fromMs * SAMPLE_RATE_HZ) / 1000);
  const end = Math.min(pcm.length / 2, Math.round((toMs * SAMPLE_RATE_HZ) / 1000));
  let squares = 0;
  for (let i = first; i < end; i++) squares += (pcm.readInt16LE(i * 2) / 32_768) ** 2;
  return Math.sqrt(squares / Math.max(1, end - first));
}
