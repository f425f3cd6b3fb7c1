import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { eventually } from '#testing';
import { type FormFile, readForm } from './form.js';

/** One request as the server saw it. */
export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  body: Buffer;
  /** Fields of a form; several values of one name are joined by commas. */
  fields: Readonly<Record<string, string>>;
  file: FormFile | undefined;
  /** The client left before it was answered. */
  isAbandoned: boolean;
}

type Handler = (seen: SeenRequest, response: ServerResponse, request: IncomingMessage) => Promise<void> | void;

/** An HTTP server for tests that stands in for one that needs a GPU. Records what it was asked. */
export abstract class HttpDouble {
  readonly seen: SeenRequest[] = [];
  /** Answers nothing but takes connections, as a server that is frozen. */
  isFrozen = false;
  private readonly sockets = new Set<Socket>();
  private readonly server = createServer((request, response) => void this.take(request, response));
  private readonly routes = new Map<string, Handler>();
  private port = 0;

  get url(): string {
    return `http://127.0.0.1:${String(this.port)}`;
  }

  /** The requests of one route. */
  asked(path: string): SeenRequest[] {
    return this.seen.filter((request) => request.path === path);
  }

  async start(port = 0): Promise<this> {
    this.server.on('connection', (socket) => {
      this.sockets.add(socket);
      socket.once('close', () => this.sockets.delete(socket));
    });
    this.server.listen(port, '127.0.0.1');
    await once(this.server, 'listening');
    this.port = (this.server.address() as AddressInfo).port;
    return this;
  }

  /** As when its process is killed: every connection is reset. */
  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.resetAndDestroy();
    if (!this.server.listening) return;
    this.server.close();
    await once(this.server, 'close');
  }

  /** Resolves when a request of that route has come. */
  whenAsked(path: string): Promise<SeenRequest> {
    return eventually(`a request for ${path}`, () => this.asked(path)[0]);
  }

  /** @param path may end in `*` */
  protected route(method: string, path: string, handler: Handler): void {
    this.routes.set(`${method} ${path}`, handler);
  }

  private async take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', this.url);
    const seen: SeenRequest = {
      method: request.method ?? '',
      path: url.pathname,
      query: url.searchParams,
      headers: request.headers,
      body: Buffer.alloc(0),
      fields: {},
      file: undefined,
      isAbandoned: false,
    };
    response.on('close', () => (seen.isAbandoned = !response.writableEnded));
    response.on('error', () => undefined);
    this.seen.push(seen);
    if (this.isFrozen) return;
    const handler = this.handlerOf(`${seen.method} ${seen.path}`);
    try {
      if (handler) await handler(seen, response, request);
      else this.json(response, 404, { detail: 'Not Found' });
    } catch {
      // The client left in the middle.
      response.destroy();
    }
  }

  private handlerOf(key: string): Handler | undefined {
    const prefix = [...this.routes.keys()].find((name) => name.endsWith('*') && key.startsWith(name.slice(0, -1)));
    return this.routes.get(key) ?? (prefix === undefined ? undefined : this.routes.get(prefix));
  }

  /** Reads the whole body, and its form where it is one. */
  protected async read(seen: SeenRequest, request: IncomingMessage): Promise<Buffer> {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    seen.body = Buffer.concat(chunks);
    const type = request.headers['content-type'] ?? '';
    if (!type.startsWith('multipart/')) return seen.body;
    const { fields, file } = readForm(seen.body, /boundary=(\S+)/.exec(type)?.[1] ?? '');
    seen.fields = fields;
    seen.file = file;
    return seen.body;
  }

  protected json(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
    this.text(response, status, JSON.stringify(body), { 'content-type': 'application/json', ...headers });
  }

  protected text(response: ServerResponse, status: number, text: string, headers: Record<string, string> = {}): void {
    response.writeHead(status, { 'content-type': 'text/plain', ...headers }).end(text);
  }
}
