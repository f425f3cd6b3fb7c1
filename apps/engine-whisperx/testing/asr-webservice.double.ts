import type { IncomingMessage, ServerResponse } from 'node:http';
import { eventually } from '#testing';
import { hear, type HeardSegment } from './heard.js';
import { HttpDouble, type SeenRequest } from './http-double.js';

export interface AsrWebserviceSwitches {
  readonly engine?: 'whisperx' | 'faster_whisper' | 'openai_whisper';
  /** Whether it was started with HF_TOKEN. */
  readonly hfToken?: boolean;
}

/** whisper-asr-webservice 1.9 with its faults: `text/plain` JSON, errors without words, one job at a time. */
export class AsrWebserviceDouble extends HttpDouble {
  /** Every job fails, as after an idle unload with WhisperX. */
  isUnloaded = false;
  /** Times and scores come as NaN. */
  writesNaN = false;
  /** Jobs do not end until this is false. */
  isWorking = false;
  running = 0;
  private readonly engine;

  constructor(private readonly switches: AsrWebserviceSwitches = {}) {
    super();
    this.engine = switches.engine ?? 'whisperx';
    this.route('GET', '/openapi.json', (_seen, response) => this.document(response));
    this.route('POST', '/asr', (seen, response, request) => this.asr(seen, response, request));
  }

  private document(response: ServerResponse): void {
    const names = ['encode', 'task', 'language', 'initial_prompt', 'output'];
    if (this.engine !== 'whisperx') names.push('word_timestamps');
    if (this.engine === 'faster_whisper') names.push('vad_filter');
    if (this.engine === 'whisperx') names.push('min_speakers', 'max_speakers');
    if (this.engine === 'whisperx' && this.switches.hfToken !== false) names.push('diarize');
    this.json(response, 200, {
      info: { title: 'Whisper Asr Webservice', version: '1.9.1' },
      paths: { '/asr': { post: { parameters: names.map((name) => ({ name, in: 'query' })) } } },
    });
  }

  private async asr(seen: SeenRequest, response: ServerResponse, request: IncomingMessage): Promise<void> {
    await this.read(seen, request);
    this.running += 1;
    await eventually('the work to be over', () => !this.isWorking, 60_000);
    this.running -= 1;
    const { query, file } = seen;
    const knows = this.engine !== 'whisperx' || query.get('initial_prompt') === null;
    if (!file || !knows || this.isUnloaded || query.get('encode') !== 'false') {
      this.text(response, 500, 'Internal Server Error');
      return;
    }
    const speakers = query.get('diarize') === 'true' && this.switches.hfToken !== false;
    const body = JSON.stringify(this.answer(hear(file.content, speakers), query));
    const text = this.writesNaN ? body.replaceAll('"score":0.9', '"score":NaN') : body;
    this.text(response, 200, text, { 'asr-engine': this.engine });
  }

  private answer(segments: HeardSegment[], query: URLSearchParams): Record<string, unknown> {
    const language = query.get('language') ?? 'en';
    if (this.engine === 'whisperx')
      return { segments, word_segments: segments.flatMap(({ words }) => words), language };
    const words = query.get('word_timestamps') === 'true';
    return {
      text: segments.map(({ text }) => text).join(''),
      language,
      segments: segments.map((segment, id) => ({
        ...segment,
        id,
        tokens: [1, 2, 3],
        words: words ? segment.words.map(({ score, ...word }) => ({ ...word, probability: score })) : null,
      })),
    };
  }
}
