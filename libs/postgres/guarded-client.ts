import pg from 'pg';

/**
 * A connection whose loss cannot end the process. `pg` reports it by the event `error`, which Node throws where nobody
 * listens, and whoever takes a connection from a pool begins to listen a moment after the server may already have said
 * that it shuts down: both can stand in one packet. The loss is not hidden, the next statement fails by it.
 *
 * Given to a pool as its `Client`.
 */
export class GuardedClient extends pg.Client {
  override emit(event: string | symbol, ...details: unknown[]): boolean {
    if (event === 'error' && this.listenerCount('error') === 0) return false;
    return super.emit(event, ...details);
  }

  /**
   * Ends the connection without another word: whoever waits for an answer fails, and a pool makes a new one. Resolves when
   * both know.
   */
  async drop(): Promise<void> {
    const { stream } = this.connection;
    if (stream.destroyed) return;
    const ended = new Promise<void>((resolve) => this.once('end', resolve));
    stream.destroy();
    await ended;
  }
}
