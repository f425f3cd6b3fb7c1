import { type EngineKind, type ErrorCode, PolyscribeError } from '#contracts';
import type { Metrics } from '#telemetry';

/** What an engine instance tells Prometheus of its calls. */
export class CallMetrics {
  private readonly calls;
  private readonly running;
  private readonly audio;

  constructor(
    metrics: Metrics,
    private readonly engine: EngineKind,
  ) {
    this.calls = metrics.histogram(
      'polyscribe_engine_call_duration_seconds',
      'Calls that have ended, by their outcome: ok, or the code of the error.',
      ['engine', 'outcome'],
      [0.1, 0.5, 2, 10, 60, 300, 1_800],
    );
    this.running = metrics.gauge('polyscribe_engine_calls_running', 'Calls that run.', ['engine']);
    this.audio = metrics.counter('polyscribe_engine_audio_seconds_total', 'Audio that calls have brought.', ['engine']);
  }

  begin(): MeasuredCall {
    const { engine } = this;
    const begun = performance.now();
    this.running.inc({ engine });
    return new MeasuredCall((outcome, heardMs) => {
      this.running.dec({ engine });
      this.audio.inc({ engine }, heardMs / 1000);
      this.calls.observe({ engine, outcome }, (performance.now() - begun) / 1000);
    });
  }
}

/** One call. Who leaves it before its end has cancelled it. */
class MeasuredCall {
  private outcome: 'ok' | ErrorCode = 'cancelled';

  constructor(private readonly tell: (outcome: 'ok' | ErrorCode, heardMs: number) => void) {}

  succeeded(): void {
    this.outcome = 'ok';
  }

  failed(error: unknown): void {
    this.outcome = PolyscribeError.from(error).code;
  }

  /** @param heardMs audio that it has brought */
  ended(heardMs: number): void {
    this.tell(this.outcome, heardMs);
  }
}
