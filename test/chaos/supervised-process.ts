import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ReadyMessage } from '#service-host';
import { eventually } from '#testing';
import { root } from '../support/mesh-process.js';

const START_DEADLINE_MS = 120_000;
const STOP_DEADLINE_MS = 40_000;
/** Between an end and the next start, as supervisors do. */
const RESTART_PAUSE_MS = 500;
const TAIL_CHARS = 2_000;
const TROUBLES = 30;

export interface ProcessOptions {
  readonly name: string;
  /** Its main file below dist/. */
  readonly main: string;
  readonly env: Readonly<Record<string, string>>;
  readonly logFile: string;
}

/** A process of the product that is started again whenever it ends, as a supervisor does. */
export class SupervisedProcess {
  private child: ChildProcess | undefined;
  private isReady = false;
  private stopping = false;
  private killed = false;
  private restart: NodeJS.Timeout | undefined;
  /** Where it serves HTTP, as it said at its latest start. */
  http = '';
  /** What each run said last that ended by itself after it had been ready. */
  readonly crashes: string[] = [];

  private constructor(private readonly options: ProcessOptions) {}

  /** Whoever starts it stops it. Does not wait until it is ready. */
  static start(options: ProcessOptions): SupervisedProcess {
    const supervised = new SupervisedProcess(options);
    supervised.run();
    return supervised;
  }

  get name(): string {
    return this.options.name;
  }

  get pid(): number | undefined {
    return this.child?.pid;
  }

  /** @throws Error when it is not ready in time */
  async untilReady(): Promise<void> {
    await eventually(`${this.name} to be ready`, () => this.isReady, START_DEADLINE_MS);
  }

  /** As `kill -9`; the supervisor starts it again. Resolves when it has ended. */
  async kill(): Promise<void> {
    const { child } = this;
    if (!child || hasEnded(child)) return;
    this.killed = true;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }

  pause(): void {
    this.child?.kill('SIGSTOP');
  }

  resume(): void {
    this.child?.kill('SIGCONT');
  }

  /** Ends it for good. */
  async stop(): Promise<void> {
    this.stopping = true;
    clearTimeout(this.restart);
    const { child } = this;
    if (!child || hasEnded(child)) return;
    const ended = once(child, 'exit');
    child.kill('SIGCONT');
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_DEADLINE_MS);
    await ended;
    clearTimeout(timer);
  }

  /** What went wrong in all its runs, and the end of what it logged. */
  logExcerpt(): string {
    const log = readFileSync(this.options.logFile, 'utf8');
    const troubles = log.split('\n').filter((line) => line !== '' && !isRoutine(line));
    return [...troubles.slice(-TROUBLES), '...', log.slice(-TAIL_CHARS)].join('\n');
  }

  private run(): void {
    const log = openSync(this.options.logFile, 'a');
    const child = spawn(process.execPath, [join(root, 'dist', this.options.main)], {
      stdio: ['ignore', 'ignore', log, 'ipc'],
      env: { PATH: process.env['PATH'], ...this.options.env },
    });
    closeSync(log);
    this.child = child;
    this.killed = false;
    child.once('message', (message) => {
      const { http } = message as ReadyMessage;
      if (http !== undefined) this.http = http;
      this.isReady = true;
    });
    child.once('exit', (code, signal) => {
      if (this.isReady && !this.killed && !this.stopping) {
        this.crashes.push(`${this.name} ended with ${String(signal ?? code)}:\n${this.logExcerpt()}`);
      }
      this.isReady = false;
      if (!this.stopping) this.restart = setTimeout(() => this.run(), RESTART_PAUSE_MS);
    });
  }
}

/** Logged below the level of an error; what is not a log entry at all is what Node says of a crash. */
function isRoutine(line: string): boolean {
  return /^\{"level":[1-4]0,/.test(line);
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}
