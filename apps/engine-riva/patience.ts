/** Notices when a peer keeps us waiting for too long; time in which it waits for us does not count. */
export class Patience {
  private holds = 0;
  private timer: NodeJS.Timeout | undefined;
  private isOver = false;

  constructor(
    private readonly limitMs: number,
    private readonly onLate: () => void,
  ) {
    this.restart();
  }

  /** The peer waits for us, for one reason more. */
  hold(): void {
    this.holds += 1;
    this.restart();
  }

  /** One reason less. */
  release(): void {
    this.holds -= 1;
    this.restart();
  }

  stop(): void {
    this.isOver = true;
    clearTimeout(this.timer);
  }

  private restart(): void {
    clearTimeout(this.timer);
    if (this.holds === 0 && !this.isOver) this.timer = setTimeout(this.onLate, this.limitMs);
  }
}
