import { type ErrorCode, type ErrorRow, errorTable } from './error-table.js';

/** One faulty field of a request. */
export interface FieldError {
  /** JSON pointer (RFC 6901) into the request, such as `/max_speakers`. */
  readonly pointer: string;
  /** What was wrong with it and what to do. */
  readonly detail: string;
}

export interface PolyscribeErrorOptions {
  /** What made it happen; for the log, never sent to a client. */
  readonly cause?: unknown;
  readonly fields?: readonly FieldError[];
  /** When trying again makes sense, for `Retry-After`. */
  readonly retryAfterMs?: number;
  /** Further facts for programs, such as `job_status`; members of the problem document (RFC 9457, 3.2). */
  readonly facts?: Readonly<Record<string, string>>;
}

/**
 * The one error class. The code decides everything else through the error table.
 *
 * The message goes to clients: it says what was wrong and what to do, and holds no secret, path or transcript text.
 */
export class PolyscribeError extends Error {
  override readonly name = 'PolyscribeError';
  readonly fields: readonly FieldError[];
  readonly retryAfterMs: number | undefined;
  readonly facts: Readonly<Record<string, string>>;

  constructor(
    readonly code: ErrorCode,
    message: string,
    options: PolyscribeErrorOptions = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.fields = options.fields ?? [];
    this.retryAfterMs = options.retryAfterMs;
    this.facts = options.facts ?? {};
  }

  get row(): ErrorRow {
    return errorTable[this.code];
  }

  /** Whether the same request may succeed at another time or on another engine. */
  get retryable(): boolean {
    return this.row.retry !== 'never';
  }

  /**
   * Any thrown value as a PolyscribeError.
   *
   * An abort becomes `cancelled`; what we do not know becomes `internal` with a fixed text, so that nothing of the inside
   * leaks to clients. The original stays in `cause`.
   */
  static from(thrown: unknown): PolyscribeError {
    if (thrown instanceof PolyscribeError) return thrown;
    if (isAbortError(thrown)) return new PolyscribeError('cancelled', 'The call was cancelled.', { cause: thrown });
    return new PolyscribeError('internal', 'Something went wrong inside; the log has more under the request id.', {
      cause: thrown,
    });
  }
}

/** Whether the value is what an aborted `AbortSignal` makes platform calls throw. A timeout is not a cancel. */
export function isAbortError(thrown: unknown): boolean {
  // By its name: what another realm throws (a vm context, as tests run in) is no instance of our Error.
  return typeof thrown === 'object' && thrown !== null && 'name' in thrown && thrown.name === 'AbortError';
}
