import type { InferenceSession } from 'onnxruntime-node';

/**
 * How every session runs: on one core, since one session per core does more than two threads on one session.
 *
 * @param arena whether memory is kept between runs. It makes the many small steps of a decoder three times as fast; an
 *   encoder has one large step per utterance, gains nothing, and would keep the memory of the longest for ever.
 */
export function sessionOptions({ arena }: { arena: boolean }): InferenceSession.SessionOptions {
  return {
    executionProviders: ['cpu'],
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    graphOptimizationLevel: 'all',
    enableCpuMemArena: arena,
    // Patterns are planned for one shape; ours change with each utterance.
    enableMemPattern: false,
    logSeverityLevel: 3,
  };
}
