import type { Figures } from './scenario.js';

/** The figure of that name. @throws Error when the run did not give it */
export function figureOf(figures: Figures, name: string): number {
  const value = figures[name];
  if (value === undefined) throw new Error(`The run gave no ${name}.`);
  return value;
}
