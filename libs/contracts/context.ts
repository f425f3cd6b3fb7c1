import type { Phrase } from './speech-engine.port.js';

/** A vocabulary that jobs can name: words and phrases that are likely to be said. */
export interface Context {
  /** UUID. */
  readonly id: string;
  readonly name: string;
  /** BCP-47 tag of its phrases; undefined means any language. */
  readonly language?: string;
  readonly terms: readonly Phrase[];
  /** Rises by one with each change, from 1. */
  readonly revision: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** A context without its terms, as lists show it. */
export type ContextSummary = Omit<Context, 'terms'> & { readonly termCount: number };
