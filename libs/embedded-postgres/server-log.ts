import type { Readable } from 'node:stream';
import type { Logger } from '#telemetry';

const MAX_LINE_CHARS = 2_000;
const TAIL_LINES = 12;

/** What PostgreSQL says, line by line, in our log. */
export interface ServerLog {
  /** From now on trouble is worth a warning; while it starts, each look whether it answers yet is refused and logged. */
  started(): void;
  /** The last lines, for an error message. */
  tail(): string;
}

/**
 * Sends PostgreSQL's log lines to ours: trouble as warnings, the rest as debug. Memory is bounded: the rest of a very
 * long line is dropped.
 */
export function forwardLog(stream: Readable, logger: Logger): ServerLog {
  const tail: string[] = [];
  let pending = '';
  let hasStarted = false;
  const take = (line: string): void => {
    if (line.trim() === '') return;
    tail.push(line);
    if (tail.length > TAIL_LINES) tail.shift();
    const level = hasStarted && /^(WARNING|FATAL|PANIC):/.test(line) ? 'warn' : 'debug';
    logger[level]({ postgres: line }, 'postgres');
  };
  stream.setEncoding('utf8').on('data', (text: string) => {
    const lines = (pending + text).split('\n');
    pending = (lines.pop() ?? '').slice(0, MAX_LINE_CHARS);
    for (const line of lines) take(line.slice(0, MAX_LINE_CHARS));
  });
  return {
    started: () => {
      hasStarted = true;
    },
    tail: () => tail.join('\n'),
  };
}
