import { type Column, columns, engineRows } from './engine-rows.js';
import type { EnginesView } from './engines.service.js';

/** A table for terminals: aligned, without colours, one line for each instance with its notes beneath. */
export function enginesText(view: EnginesView, now: Date): string {
  const rows = engineRows(view, now);
  const names = Object.keys(columns) as Column[];
  const widths = names.map((name) => Math.max(columns[name].length, ...rows.map(({ cells }) => cells[name].length)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, index) => cell.padEnd(widths[index] ?? 0))
      .join('  ')
      .trimEnd();
  const lines = rows.flatMap(({ cells, notes }) => [
    line(names.map((name) => cells[name])),
    ...notes.map((note) => `  ${note}`),
  ]);
  return `${[line(names.map((name) => columns[name].toUpperCase())), ...lines, ...staleness(view)].join('\n')}\n`;
}

function staleness({ stale_s: staleS }: EnginesView): string[] {
  if (staleS === undefined) return [];
  return ['', `No engine registry has been reached for ${String(Math.round(staleS))} s; this is what was last known.`];
}
