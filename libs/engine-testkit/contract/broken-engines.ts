import {
  type EngineCapabilities,
  type EngineDescription,
  type EngineEvent,
  type EngineRequest,
  type EngineSegment,
  PolyscribeError,
  SpeechEngine,
} from '#contracts';
import { ScriptedEngine } from '../scripted-engine.js';
import { GreedySource, SourceView } from './source-views.js';

type Call = [request: EngineRequest, audio: AsyncIterable<Uint8Array>, signal: AbortSignal];

/** What a broken engine does differently from a scripted one, which keeps every rule. */
interface Fault {
  readonly capabilities?: Partial<EngineCapabilities>;
  readonly describe?: (description: EngineDescription) => EngineDescription;
  readonly transcribe?: (engine: ScriptedEngine, ...call: Call) => AsyncIterable<EngineEvent>;
}

/** A scripted engine with one fault. */
export class BrokenEngine extends SpeechEngine {
  private readonly engine: ScriptedEngine;

  constructor(private readonly fault: Fault) {
    super();
    this.engine = new ScriptedEngine(fault.capabilities ? { capabilities: fault.capabilities } : {});
  }

  override describe(): EngineDescription {
    const description = this.engine.describe();
    return this.fault.describe?.(description) ?? description;
  }

  override transcribe(...call: Call): AsyncIterable<EngineEvent> {
    return this.fault.transcribe?.(this.engine, ...call) ?? this.engine.transcribe(...call);
  }
}

const bare = {
  wordTimestamps: false,
  diarization: false,
  phraseBoosting: false,
  partialResults: false,
  translation: false,
  punctuationControl: false,
  profanityFilter: false,
  verbatim: false,
};

/** For each rule of the contract a fault that breaks this rule and no other. */
export const faults: Readonly<Record<string, () => Fault>> = {
  'describes itself the same way each time': () => {
    let times = 0;
    return { describe: (description) => ({ ...description, version: String((times += 1)) }) };
  },
  'describes itself honestly': () => ({ capabilities: { maxConcurrency: 0 } }),
  'does nothing before the first pull': () => ({
    transcribe: (engine, request, audio, signal) => {
      const opened = audio[Symbol.asyncIterator]();
      return closingAfter(engine.transcribe(request, { [Symbol.asyncIterator]: () => opened }, signal), opened);
    },
  }),
  'ends with one summary, which comes last': () =>
    eventwise((event) => (event.type === 'summary' ? [event, event] : [event])),
  'tells in its summary the language, one of its models and the length of the audio': () =>
    eventwise((event) => [event.type === 'summary' ? { ...event, audioMs: event.audioMs + 1_000 } : event]),
  'does not read on while nobody pulls': () => ({
    transcribe: (engine, request, audio, signal) => engine.transcribe(request, new GreedySource(audio), signal),
  }),
  'reads its audio once and lets go of it when it is done': () => ({
    async *transcribe(engine, request, audio, signal) {
      yield* engine.transcribe(request, audio, signal);
      audio[Symbol.asyncIterator]();
    },
  }),
  'lets go of its audio when its consumer leaves early': () =>
    listening((audio, signal) => new SourceView(audio, { closes: () => signal.aborted })),
  'stops soon after an abort, as cancelled, also while it waits for audio': () => ({
    async *transcribe(engine, request, audio, signal) {
      const wasAborted = signal.aborted;
      try {
        yield* engine.transcribe(request, audio, signal);
      } catch (error) {
        if (signal.aborted && !wasAborted) throw new PolyscribeError('internal', 'Interrupted.', { cause: error });
        throw error;
      }
    },
  }),
  'lets go of its audio after an abort': () =>
    listening((audio, signal) => new SourceView(audio, { closes: () => !signal.aborted })),
  'takes a call that is aborted already for cancelled, and leaves its audio alone': () => ({
    async *transcribe(engine, request, audio, signal) {
      if (signal.aborted) {
        for await (const chunk of audio) if (chunk.length > 0) break;
      }
      yield* engine.transcribe(request, audio, signal);
    },
  }),
  'passes an error of the audio source on to its caller': () => ({
    async *transcribe(engine, ...call) {
      try {
        yield* engine.transcribe(...call);
      } catch (error) {
        throw error instanceof PolyscribeError ? error : new PolyscribeError('engine_bad_response', 'Bad.');
      }
    },
  }),
  'works as before after an abort': () => {
    let isPoisoned = false;
    return {
      async *transcribe(engine, request, audio, signal) {
        const poisoned = isPoisoned && !signal.aborted;
        if (poisoned) isPoisoned = false;
        try {
          const events = engine.transcribe(request, audio, signal);
          yield* poisoned
            ? mapped(
                events,
                withText((text) => `${text} again`),
              )
            : events;
        } finally {
          isPoisoned ||= signal.aborted;
        }
      },
    };
  },
  'keeps calls that run at once apart': () => {
    let running = 0;
    return {
      async *transcribe(engine, ...call) {
        running += 1;
        try {
          const mix = withText((text) => (running > 1 ? `${text} too` : text));
          yield* mapped(engine.transcribe(...call), mix);
        } finally {
          running -= 1;
        }
      },
    };
  },
  'finds the words that were spoken': () => eventwise(withText(() => 'zulu')),
  'gives segments in time order': () => eventwise(withSegment((segment) => ({ ...segment, startMs: 0 }), 'papa')),
  'gives segments that lie within the audio': () =>
    eventwise(withSegment((segment) => ({ ...segment, endMs: segment.endMs + 60_000 }))),
  'gives segments whose text is trimmed and not empty': () => eventwise(withText((text) => `${text} `)),
  'returns zero segments and a summary for silence': () => {
    let running = 0;
    return {
      async *transcribe(engine, ...call) {
        running += 1;
        let said = 0;
        try {
          for await (const event of engine.transcribe(...call)) {
            if (event.type === 'segment') said += 1;
            const isSilence = event.type === 'summary' && said === 0 && event.audioMs > 0 && running === 1;
            if (isSilence) yield { type: 'segment', segment: { startMs: 0, endMs: 100, text: 'thank you' } };
            yield event;
          }
        } finally {
          running -= 1;
        }
      },
    };
  },
  'returns zero segments and a summary for no audio at all': () =>
    eventwise((event) => {
      if (event.type === 'summary' && event.audioMs === 0) throw new PolyscribeError('unsupported_media', 'Empty.');
      return [event];
    }),
  'gives the same result however the audio is cut into chunks': () =>
    listening((audio) => new SourceView(audio, { chunk: (chunk) => chunk.subarray(0, chunk.length & ~1) })),
  'reports progress that never falls and stays within the audio': () =>
    eventwise((event) =>
      event.type === 'summary' ? [{ type: 'progress', processedMs: 0, stage: 'finishing' }, event] : [event],
    ),
  'refuses a language that it does not declare': () =>
    asking((request) => ({ ...request, language: request.language === 'tlh' ? 'en' : (request.language ?? 'en') })),
  'refuses a model that it does not have': () =>
    asking(({ model, ...request }) => (model?.startsWith('scripted') ? { ...request, model } : request)),
  'uses the model that is asked for': () =>
    asking(({ model, ...request }) =>
      model?.startsWith('scripted') || model === undefined ? request : { ...request, model },
    ),
  'refuses features that it lacks, where the request says refuse': () => ({
    ...asking((request) => ({ ...request, onUnsupported: 'warn' })),
    capabilities: bare,
  }),
  'goes on without features that it lacks and warns, where the request says warn': () => ({
    ...eventwise((event) => (event.type === 'warning' && !event.warning.message.includes('phrase') ? [] : [event])),
    capabilities: bare,
  }),
  'serves features that it declares': () => ({
    async *transcribe(engine, request, ...rest) {
      if (request.verbatim === true) throw new PolyscribeError('unsupported_feature', 'Declared and not done.');
      yield* engine.transcribe(request, ...rest);
    },
  }),
  'never ignores phrases in silence': () => ({
    ...asking((request) => ({ ...request, phrases: [] })),
    capabilities: bare,
  }),
  'gives words only where they were asked for': () => asking((request) => ({ ...request, wordTimestamps: true })),
  'gives words in order and within their segment': () =>
    eventwise(withSegment(({ words, ...rest }) => (words ? { ...rest, words: words.toReversed() } : rest))),
  'gives speaker tags only where they were asked for': () => asking((request) => ({ diarization: {}, ...request })),
  'numbers speakers from 0 in order of first speech': () =>
    eventwise(
      withSegment((segment) =>
        segment.speakerTag === undefined ? segment : { ...segment, speakerTag: segment.speakerTag + 1 },
      ),
    ),
  'gives confidences from 0 to 1, and only where it declares them': () =>
    eventwise(withSegment((segment) => ({ ...segment, confidence: 1.5 }))),
  'sends partial results only where they were asked for': () =>
    asking((request) => ({ ...request, partialResults: true })),
};

type EventMap = (event: EngineEvent) => readonly EngineEvent[];

async function* mapped(events: AsyncIterable<EngineEvent>, map: EventMap): AsyncGenerator<EngineEvent, void> {
  for await (const event of events) yield* map(event);
}

async function* closingAfter(
  events: AsyncIterable<EngineEvent>,
  source: AsyncIterator<Uint8Array>,
): AsyncGenerator<EngineEvent, void> {
  try {
    yield* events;
  } finally {
    await source.return?.();
  }
}

function eventwise(map: EventMap): Fault {
  return { transcribe: (engine, ...call) => mapped(engine.transcribe(...call), map) };
}

function asking(change: (request: EngineRequest) => EngineRequest): Fault {
  return { transcribe: (engine, request, ...rest) => engine.transcribe(change(request), ...rest) };
}

function listening(view: (audio: AsyncIterable<Uint8Array>, signal: AbortSignal) => AsyncIterable<Uint8Array>): Fault {
  return { transcribe: (engine, request, audio, signal) => engine.transcribe(request, view(audio, signal), signal) };
}

/** Changes segments, or only those whose text begins with a word. */
function withSegment(change: (segment: EngineSegment) => EngineSegment, firstWord = ''): EventMap {
  return (event) =>
    event.type === 'segment' && event.segment.text.startsWith(firstWord)
      ? [{ type: 'segment', segment: change(event.segment) }]
      : [event];
}

function withText(change: (text: string) => string): EventMap {
  return withSegment((segment) => ({ ...segment, text: change(segment.text) }));
}
