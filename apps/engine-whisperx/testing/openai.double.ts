import type { IncomingMessage, ServerResponse } from 'node:http';
import { hear, type HeardSegment, samplesOf, withoutWords } from './heard.js';
import { HttpDouble, type SeenRequest } from './http-double.js';

export type OpenAiFlavour = 'speaches-0.8' | 'speaches' | 'whisperx-api-server' | 'plain';

const MODELS = ['Systran/faster-whisper-large-v3', 'Systran/faster-whisper-base'];

/** Servers of OpenAI's shape, each with its own ways and faults. */
export class OpenAiDouble extends HttpDouble {
  /** Fails for silence of that many seconds and more, as speaches 0.9 does. */
  failsOnSilenceFromSeconds = Infinity;
  apiKey: string | undefined;

  constructor(private readonly flavour: OpenAiFlavour) {
    super();
    this.route('GET', '/health', (seen, response) => this.health(seen, response));
    this.route('GET', '/healthcheck', (_seen, response) =>
      flavour === 'whisperx-api-server'
        ? this.json(response, 200, { status: 'healthy' })
        : this.json(response, 404, { detail: 'Not Found' }),
    );
    this.route('GET', '/openapi.json', (_seen, response) => this.document(response));
    this.route('GET', '/v1/models', (_seen, response) => this.models(response));
    for (const path of ['/v1/audio/transcriptions', '/v1/audio/translations']) {
      this.route('POST', path, (seen, response, request) => this.transcribe(seen, response, request));
    }
    this.route('POST', '/v1/audio/diarization', (seen, response, request) => this.diarize(seen, response, request));
    this.route('POST', '/v1/audio/speech/timestamps', (seen, response, request) => this.vad(seen, response, request));
  }

  private health(seen: SeenRequest, response: ServerResponse): void {
    if (this.apiKey !== undefined && seen.headers.authorization !== `Bearer ${this.apiKey}`) {
      this.json(response, 403, { detail: 'Not authenticated' });
    } else if (this.flavour === 'speaches-0.8') this.text(response, 200, 'OK');
    else if (this.flavour === 'speaches') this.json(response, 200, { message: 'OK' });
    else this.json(response, 404, { detail: 'Not Found' });
  }

  private document(response: ServerResponse): void {
    if (this.flavour === 'plain') {
      this.json(response, 404, { detail: 'Not Found' });
      return;
    }
    const paths = { '/v1/audio/transcriptions': {} };
    const more = this.flavour === 'speaches' ? { '/v1/audio/diarization': {} } : {};
    this.json(response, 200, { info: { title: 'Speaches' }, paths: { ...paths, ...more } });
  }

  private models(response: ServerResponse): void {
    const speech = MODELS.map((id) => ({ id, object: 'model', task: 'automatic-speech-recognition' }));
    const voice = { id: 'speaches-ai/Kokoro-82M', object: 'model', task: 'text-to-speech' };
    this.json(response, 200, { object: 'list', data: [...speech, voice] });
  }

  private async transcribe(seen: SeenRequest, response: ServerResponse, request: IncomingMessage): Promise<void> {
    await this.read(seen, request);
    const { fields, file } = seen;
    const pcm = samplesOf(file?.content ?? Buffer.alloc(0));
    if (!MODELS.includes(fields['model'] ?? '')) {
      this.json(response, 404, { detail: `Model '${fields['model'] ?? ''}' is not installed locally` });
      return;
    }
    const segments = hear(pcm, fields['diarize'] === 'true');
    if (segments.length === 0 && pcm.length / 32_000 >= this.failsOnSilenceFromSeconds) {
      this.text(response, 500, 'Internal Server Error');
      return;
    }
    this.json(response, 200, this.answer(segments, pcm.length / 32_000, fields));
  }

  private answer(segments: HeardSegment[], duration: number, fields: Readonly<Record<string, string>>): object {
    const common = { language: fields['language'] ?? (this.flavour === 'plain' ? 'english' : 'en'), duration };
    const text = segments.map((segment) => segment.text).join('');
    const words = segments.flatMap((segment) => segment.words);
    if (this.flavour === 'whisperx-api-server') {
      return { ...common, text, segments: { segments, word_segments: words } };
    }
    const wanted = (fields['timestamp_granularities[]'] ?? '').split(',').includes('word');
    const spoken = words.map(({ word, start, end }) => ({ word, start, end }));
    const older = this.flavour === 'speaches-0.8' ? { probability: 0.8 } : {};
    return {
      ...common,
      text,
      segments: withoutWords(segments).map((segment, id) => ({ ...segment, id, tokens: [1, 2] })),
      words: wanted ? spoken.map((word) => ({ ...word, ...older })) : null,
    };
  }

  private async diarize(seen: SeenRequest, response: ServerResponse, request: IncomingMessage): Promise<void> {
    await this.read(seen, request);
    if (this.flavour !== 'speaches' || seen.fields['model'] !== 'pyannote/speaker-diarization-community-1') {
      this.json(response, 422, { detail: [] });
      return;
    }
    const segments = hear(samplesOf(seen.file?.content ?? Buffer.alloc(0)), true);
    this.json(response, 200, {
      duration: 1,
      segments: segments.map(({ start, end, speaker }) => ({ start: start - 0.05, end: end + 0.05, speaker })),
    });
  }

  private async vad(seen: SeenRequest, response: ServerResponse, request: IncomingMessage): Promise<void> {
    await this.read(seen, request);
    const segments = hear(samplesOf(seen.file?.content ?? Buffer.alloc(0)));
    this.json(
      response,
      200,
      segments.map(({ start, end }) => ({ start: start * 1000, end: end * 1000 })),
    );
  }
}
