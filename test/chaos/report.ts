import type { ChaosOutcome } from './chaos-run.js';

/** What a run found, for people. */
export function chaosReport(seed: number, outcome: ChaosOutcome): string {
  const { recoveries, losses, duplicates, gaps, crashes } = outcome;
  const names = [...new Set(recoveries.map(({ fault }) => fault))].toSorted();
  const rows = names.map((name) => {
    const times = recoveries.filter(({ fault }) => fault === name).map(({ ms }) => ms);
    return `  ${name.padEnd(32)}${String(times.length).padStart(6)}${cell(median(times))}${cell(Math.max(...times))}`;
  });
  return [
    `seed ${seed}, ${outcome.seconds.toFixed(0)} s`,
    `faults made ${recoveries.length}, jobs accepted ${outcome.accepted}, jobs in the database ${outcome.jobs}`,
    `losses ${losses.length}, duplicates ${duplicates.length}, gaps in event streams ${gaps.length}, ` +
      `readers ${outcome.readers} with ${outcome.reconnections} reconnections, processes that crashed ${crashes.length}`,
    `  ${'seconds to recover from'.padEnd(32)}${'faults'.padStart(6)}${'median'.padStart(9)}${'max'.padStart(9)}`,
    ...rows,
    ...[...losses, ...duplicates, ...gaps, ...crashes].map((line) => `  ! ${line}`),
  ].join('\n');
}

function cell(ms: number): string {
  return (ms / 1000).toFixed(1).padStart(9);
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  return ((sorted[Math.ceil(middle) - 1] ?? 0) + (sorted[Math.floor(middle)] ?? 0)) / 2;
}
