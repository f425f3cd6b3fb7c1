import type { SeenSoFar } from './seen-calls.js';

/** What a simulator in a process of its own tells the process that started it. */
export type FromSimulator =
  | { readonly kind: 'listening'; readonly port: number }
  | { readonly kind: 'failed'; readonly reason: string }
  | { readonly kind: 'seen'; readonly seen: SeenSoFar };

/** What it is told. */
export type ToSimulator = { readonly kind: 'tell_seen' } | { readonly kind: 'set_serving'; readonly serving: boolean };
