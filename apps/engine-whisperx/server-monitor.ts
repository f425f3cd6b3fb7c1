import { type EngineHealth, PolyscribeError } from '#contracts';
import type { Logger } from '#telemetry';
import { timeLimit } from '#timing';
import { detectDialect } from './detect-dialect.js';
import type { Dialect, DialectSettings, ServerProfile } from './dialect.js';
import type { ServerClient } from './http/server-client.js';

/** A healthy server answers within milliseconds; one that is deaf while it works is asked only when it rests. */
const PROBE_MS = 5_000;

/** How often a server is asked how it is; half of it by chance. */
const EVERY_MS = 5_000;

/** A server that is known to be there. */
export interface KnownServer {
  readonly dialect: Dialect;
  readonly profile: ServerProfile;
}

export interface MonitorOptions {
  readonly server: ServerClient;
  /** undefined finds out which it is. */
  readonly dialect: Dialect | undefined;
  readonly settings: DialectSettings;
  /** Longest call. */
  readonly timeoutMs: number;
  readonly logger: Logger;
  /** Whether the server works for us. */
  isBusy(): boolean;
}

/** Keeps asking one server how it is and what it can do; what was learned stays known while it is away. */
export class ServerMonitor {
  private readonly stopping = new AbortController();
  private last: KnownServer | undefined;
  private detected: Dialect | undefined;
  private lastAnswerMs = 0;
  private trouble: PolyscribeError | undefined;
  private timer: NodeJS.Timeout | undefined;
  private probing: Promise<void> | undefined;

  constructor(private readonly options: MonitorOptions) {}

  /** Resolves after the first try, whatever came of it. */
  async start(): Promise<void> {
    await this.probeNow();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    clearTimeout(this.timer);
    await this.probing;
  }

  /** What is known of the server, also while it is away; undefined before it has answered for the first time. */
  get known(): KnownServer | undefined {
    return this.last;
  }

  get health(): EngineHealth {
    if (this.trouble) return { state: 'unavailable', reason: this.trouble.message };
    if (this.last) return this.last.profile.health;
    return { state: 'starting', reason: 'The WhisperX server is being asked what it can do.' };
  }

  /** @throws PolyscribeError `engine_unavailable` while the server has never answered */
  get reached(): KnownServer {
    if (this.last) return this.last;
    throw this.trouble ?? new PolyscribeError('engine_unavailable', 'The WhisperX server has not answered yet.');
  }

  /** Asks soon: a call has just failed. */
  callFailed(): void {
    clearTimeout(this.timer);
    void this.probeNow();
  }

  private probeNow(): Promise<void> {
    this.probing ??= this.probe().finally(() => {
      this.probing = undefined;
      if (this.stopping.signal.aborted) return;
      this.timer = setTimeout(() => void this.probeNow(), Math.round((EVERY_MS * (1 + Math.random())) / 2));
    });
    return this.probing;
  }

  private async probe(): Promise<void> {
    if (this.last?.dialect.isDeafAtWork === true && this.options.isBusy()) {
      this.lastAnswerMs = performance.now();
      return;
    }
    const { server, settings, logger } = this.options;
    const limit = timeLimit(PROBE_MS, this.stopping.signal);
    const { signal } = limit;
    try {
      const dialect = this.options.dialect ?? this.detected ?? (await detectDialect(server, signal));
      this.detected = dialect;
      const profile = await dialect.probe(server, settings, signal);
      if (this.trouble) logger.info({ server: server.address }, 'the WhisperX server is back');
      if (this.last?.dialect !== dialect)
        logger.info({ server: server.address, dialect: dialect.name }, 'WhisperX server');
      this.last = { dialect, profile };
      this.lastAnswerMs = performance.now();
      this.trouble = undefined;
    } catch (error) {
      if (this.stopping.signal.aborted || (signal.aborted && this.mayBeAtWork)) return;
      // Another kind of server may have come in the place of the one that was there.
      this.detected = undefined;
      this.failed(signal.aborted ? this.tooLate() : PolyscribeError.from(error));
    } finally {
      limit.clear();
    }
  }

  private tooLate(): PolyscribeError {
    const { address } = this.options.server;
    const seconds = String(PROBE_MS / 1000);
    return new PolyscribeError(
      'engine_unavailable',
      `The WhisperX server at ${address} did not answer within ${seconds} s.`,
    );
  }

  /** A deaf server that takes connections may work for somebody else; not for longer than a call may take. */
  private get mayBeAtWork(): boolean {
    const silentMs = performance.now() - this.lastAnswerMs;
    return this.last?.dialect.isDeafAtWork === true && !this.trouble && silentMs < this.options.timeoutMs;
  }

  private failed(error: PolyscribeError): void {
    const { server, logger } = this.options;
    if (!this.trouble) logger.warn({ server: server.address, err: error }, 'the WhisperX server is not available');
    this.trouble = error;
  }
}
