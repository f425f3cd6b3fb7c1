import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/**
 * Lets a server stop without waiting for connections on which nothing happens. Node closes those that wait between two
 * requests, and overlooks those on which no request ever came, as browsers open them in advance.
 */
export class Connections {
  private readonly open = new Set<Socket>();
  private readonly busy = new Set<Socket>();
  private draining = false;

  constructor(server: Server) {
    server.on('connection', (socket: Socket) => {
      this.open.add(socket);
      socket.once('close', () => this.open.delete(socket));
    });
    server.on('request', ({ socket }: IncomingMessage, response: ServerResponse) => {
      this.busy.add(socket);
      response.once('close', () => {
        this.busy.delete(socket);
        if (this.draining) socket.destroySoon();
      });
    });
  }

  /** Closes what is idle now, and the others as soon as they have their answer. */
  drain(): void {
    this.draining = true;
    for (const socket of this.open) {
      if (!this.busy.has(socket)) socket.destroy();
    }
  }

  /** Closes all. */
  cut(): void {
    for (const socket of this.open) socket.destroy();
  }
}
