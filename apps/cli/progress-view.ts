import { Presets, SingleBar } from 'cli-progress';

/** Shows how far the job is, on standard error: standard output is for the transcript. */
export interface ProgressView {
  show(progress: number, stage: string): void;
  end(): void;
}

/** A bar on a terminal, plain lines elsewhere. */
export function createProgressView(stream: NodeJS.WriteStream): ProgressView {
  return stream.isTTY ? new BarView(stream) : new LineView(stream);
}

class BarView implements ProgressView {
  private readonly bar: SingleBar;
  private started = false;

  constructor(stream: NodeJS.WriteStream) {
    const options = { stream, format: '{bar} {percentage}% {stage}', hideCursor: true, clearOnComplete: true };
    this.bar = new SingleBar(options, Presets.shades_classic);
  }

  show(progress: number, stage: string): void {
    if (!this.started) this.bar.start(100, 0, { stage });
    this.started = true;
    this.bar.update(Math.round(progress), { stage });
  }

  end(): void {
    if (this.started) this.bar.stop();
    this.started = false;
  }
}

/** A line when the stage changes and at each further tenth: enough for a log file. */
class LineView implements ProgressView {
  private last = '';

  constructor(private readonly stream: NodeJS.WriteStream) {}

  show(progress: number, stage: string): void {
    const line = `${stage} ${Math.floor(progress / 10) * 10}%`;
    if (line !== this.last) this.stream.write(`polyscribe: ${line}\n`);
    this.last = line;
  }

  end(): void {
    // Lines need no end.
  }
}
