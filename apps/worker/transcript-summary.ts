import { type EngineKind, type Job, languageMatches, type TranscriptWarning } from '#contracts';
import type { SpanResult } from './job-run.js';

/** What is said about a transcript as a whole. */
export interface TranscriptSummary {
  readonly language: string;
  readonly durationMs: number;
  readonly engineUsed: EngineKind;
  readonly model: string;
  readonly fallbackReason?: string;
  readonly warnings: readonly TranscriptWarning[];
}

/** A finished span with where it began. */
export interface DoneSpan extends SpanResult {
  readonly startMs: number;
}

/** BCP-47 for a language that is not known. */
const UNDETERMINED = 'und';

/**
 * Joins what is known of the spans: language, engine and model are those of the most audio, warnings are given once.
 *
 * @param spans at least one
 */
export function summarize(
  job: Job,
  spans: readonly DoneSpan[],
  warnings: readonly TranscriptWarning[],
): TranscriptSummary {
  const inOrder = spans.toSorted((a, b) => a.startMs - b.startMs || a.index - b.index);
  const engineUsed = mostAudio(inOrder, (span) => span.engine) ?? 'local';
  const byEngine = inOrder.filter((span) => span.engine === engineUsed);
  const language = mostAudio(inOrder, (span) => span.language || undefined) ?? job.options.language ?? UNDETERMINED;
  const fallbackReason = inOrder.find((span) => span.fallbackReason !== undefined)?.fallbackReason ?? job.meshReason;
  return {
    language,
    durationMs: Math.max(0, ...inOrder.map((span) => span.endMs)),
    engineUsed,
    model: mostAudio(byEngine, (span) => span.model) ?? '',
    ...(fallbackReason === undefined ? {} : { fallbackReason }),
    warnings: distinct([...warnings, ...contextWarnings(job, language), ...inOrder.flatMap((span) => span.warnings)]),
  };
}

/** A vocabulary of another language does no harm, but hardly any good. */
function contextWarnings({ options }: Job, spoken: string): TranscriptWarning[] {
  const meant = options.context?.language;
  const language = options.language ?? spoken;
  if (meant === undefined || language === UNDETERMINED || languageMatches(meant, language)) return [];
  return [{ code: 'context_language', message: `The context is for ${meant}, the recording is in ${language}.` }];
}

function mostAudio<T extends string>(
  spans: readonly DoneSpan[],
  keyOf: (span: DoneSpan) => T | undefined,
): T | undefined {
  const audioMs = new Map<T, number>();
  for (const span of spans) {
    const key = keyOf(span);
    if (key !== undefined) audioMs.set(key, (audioMs.get(key) ?? 0) + span.endMs - span.startMs);
  }
  let best: T | undefined;
  for (const [key, ms] of audioMs) if (best === undefined || ms > (audioMs.get(best) ?? 0)) best = key;
  return best;
}

function distinct(warnings: readonly TranscriptWarning[]): TranscriptWarning[] {
  return [...new Map(warnings.map((warning) => [`${warning.code} ${warning.message}`, warning])).values()];
}
