import type { IncomingMessage, ServerResponse } from 'node:http';
import { hear, type HeardSegment, samplesOf } from './heard.js';
import { HttpDouble, type SeenRequest } from './http-double.js';

/** whisperX-FastAPI 0.6: queues a task and tells how it is. */
export class WhisperxFastapiDouble extends HttpDouble {
  /** Tasks stay in progress, as they do for ever when the library fails in ways it does not expect. */
  isStuck = false;
  /** Tasks fail with this exception's words. */
  failure: string | undefined;
  private readonly tasks = new Map<string, { asked: number; segments: HeardSegment[] }>();

  constructor() {
    super();
    this.route('GET', '/health', (_seen, response) =>
      this.json(response, 200, { status: 'ok', message: 'Service is running' }),
    );
    this.route('POST', '/speech-to-text', (seen, response, request) => this.submit(seen, response, request));
    this.route('GET', '/task/*', (seen, response) => this.task(seen, response));
  }

  /** As a restart does, since tasks are kept in memory. */
  forgetTasks(): void {
    this.tasks.clear();
  }

  private async submit(seen: SeenRequest, response: ServerResponse, request: IncomingMessage): Promise<void> {
    await this.read(seen, request);
    const identifier = `task-${String(this.tasks.size + 1)}`;
    const segments = hear(samplesOf(seen.file?.content ?? Buffer.alloc(0)), true);
    this.tasks.set(identifier, { asked: 0, segments });
    this.json(response, 200, { identifier, message: 'Task queued' });
  }

  private task(seen: SeenRequest, response: ServerResponse): void {
    const task = this.tasks.get(seen.path.slice('/task/'.length));
    if (!task) {
      this.json(response, 404, { detail: 'Identifier not found' });
      return;
    }
    task.asked += 1;
    const word_segments = task.segments.flatMap(({ words }) => words);
    const body =
      task.asked === 1
        ? { status: 'queued' }
        : this.isStuck
          ? { status: 'processing' }
          : this.failure !== undefined
            ? { status: 'failed', error: this.failure }
            : { status: 'completed', result: { segments: task.segments, word_segments } };
    this.json(response, 200, { result: null, metadata: {}, error: null, ...body });
  }
}
