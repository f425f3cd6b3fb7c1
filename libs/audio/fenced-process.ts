import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { BoundedText } from './bounded-text.js';
import { ProcessOutput } from './process-output.js';

/** Why we ended a process ourselves. */
export type KillReason = 'aborted' | 'stalled' | 'too-much-output' | 'no-longer-wanted';

/** How a fenced process ended. */
export interface FencedExit {
  /** undefined when a signal ended it. */
  readonly code: number | undefined;
  readonly signal: NodeJS.Signals | undefined;
  readonly killed: KillReason | undefined;
  /** It used up its processor time. */
  readonly outOfTime: boolean;
  /** The program is not there or may not be run. */
  readonly missing: boolean;
  /** What it wrote to standard error, cut in the middle where that was much. For the log only. */
  readonly stderr: string;
}

/** Virtual memory of one process: ffmpeg maps about 300 MB, and the index of a long file takes some tens. */
const ADDRESS_SPACE_KIB = 2 * 1024 * 1024;

/** A program that closed its output, or was killed, is gone at once; this is for one stuck in the kernel on a dead disk. */
const EXIT_DEADLINE_MS = 5_000;

/** Exit codes by which a POSIX shell says that it could not run the command. */
const NOT_EXECUTABLE = 126;
const NOT_FOUND = 127;

/** ffmpeg's exit code when a signal made it stop, such as the one for used-up processor time. */
const STOPPED_BY_SIGNAL = 255;

/**
 * Sets limits and becomes the program, so that they hold for it and its threads: processor time, no writing to files, no
 * core dump, few descriptors, bounded memory. macOS cannot limit address space and says so; the rest holds there too.
 */
const FENCE = `ulimit -t "$1" && ulimit -f 0 && ulimit -c 0 && ulimit -n 64 || exit ${NOT_EXECUTABLE}
ulimit -v "$2" 2>/dev/null || :
shift 2
exec "$@"`;

/**
 * A program that reads hostile input, held in by resource limits. It gets no standard input, no environment but `PATH`
 * (so no secrets) and its own process group: the terminal's Ctrl-C does not reach it, and killing takes its children too.
 *
 * Whoever makes one ends with `kill` and `exit`.
 */
export class FencedProcess {
  private readonly child: ChildProcessByStdio<null, Readable, Readable>;
  private readonly output: ProcessOutput;
  private readonly stderr = new BoundedText(4 * 1024);
  private readonly startedAt = performance.now();
  private readonly closed: Promise<boolean>;
  private killed: KillReason | undefined;
  private outputCut = false;
  private startFailed = false;

  /** @param cpuTimeMs processor time it may use, rounded up to whole seconds */
  constructor(
    program: string,
    args: readonly string[],
    private readonly cpuTimeMs: number,
  ) {
    const cpuSeconds = String(Math.max(1, Math.ceil(cpuTimeMs / 1000)));
    const command = program.includes('/') ? resolve(program) : program;
    const fence = ['-c', FENCE, 'fence', cpuSeconds, String(ADDRESS_SPACE_KIB), command, ...args];
    this.child = spawn('/bin/sh', fence, {
      cwd: '/',
      detached: true,
      env: { PATH: process.env['PATH'] ?? '', LC_ALL: 'C' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.output = new ProcessOutput(this.child.stdout);
    this.child.stderr.on('data', (chunk: Buffer) => this.stderr.append(chunk));
    this.closed = new Promise((done) => {
      this.child.once('close', () => done(true));
      this.child.once('error', () => {
        this.startFailed = true;
        done(true);
      });
    });
  }

  /**
   * The next output, or undefined at its end. Not calling it holds the process back: at most some hundred kilobytes are
   * buffered. Waiting longer than `timeoutMs` kills the process and ends the output.
   */
  async read(timeoutMs: number): Promise<Buffer | undefined> {
    const timer = setTimeout(() => this.kill('stalled'), timeoutMs);
    try {
      return await this.output.next();
    } catch (error) {
      if (this.outputCut || this.startFailed) return undefined;
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Ends it now. The first reason counts; without effect on one that ended by itself. */
  kill(reason: KillReason): void {
    if (!this.hasExited && this.child.pid !== undefined) {
      this.killed ??= reason;
      killGroup(this.child.pid);
    }
    this.outputCut = true;
    this.child.stdout.destroy();
    this.child.stderr.destroy();
  }

  /** How it ended. Call it when the output has ended or after `kill`: what does not end soon then is killed. */
  async exit(): Promise<FencedExit> {
    if (!(await this.closesInTime())) {
      this.kill('stalled');
      await this.closesInTime();
    }
    const code = this.child.exitCode ?? undefined;
    const signal = this.child.signalCode ?? undefined;
    return {
      code,
      signal,
      killed: this.killed,
      outOfTime: this.killed === undefined && this.ranOutOfTime(code, signal),
      missing: this.startFailed || code === NOT_FOUND || code === NOT_EXECUTABLE,
      stderr: this.stderr.toString(),
    };
  }

  private get hasExited(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  private async closesInTime(): Promise<boolean> {
    const timer = new AbortController();
    try {
      return await Promise.race([this.closed, delay(EXIT_DEADLINE_MS, false, { signal: timer.signal })]);
    } finally {
      timer.abort();
    }
  }

  /**
   * Linux ends a process at its hard limit with SIGKILL, other systems send SIGXCPU, which ffmpeg catches. So that an
   * out-of-memory killer is not taken for the limit, that much time must have gone by; halved for two threads at work.
   */
  private ranOutOfTime(code: number | undefined, signal: NodeJS.Signals | undefined): boolean {
    if (signal === 'SIGXCPU') return true;
    const longEnough = performance.now() - this.startedAt >= this.cpuTimeMs / 2;
    return longEnough && (signal === 'SIGKILL' || code === STOPPED_BY_SIGNAL);
  }
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    // It ended between the check and the signal.
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}
