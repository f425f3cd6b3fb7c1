import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ratioChart } from './chart.js';
import { curveChart } from './curves.js';
import type { Outcome } from './measure.js';
import { markdownReport, type Report } from './report.js';

const BEGIN = '<!-- results: written by the full run -->';
const END = '<!-- end of the results -->';

/** Below the tables: paths from docs/. */
const CHARTS = `The ratios, the growth, and the speed-up by engine instances:

![Mesh over bare](../bench/results/full.svg)

![Growth](../bench/results/full-growth.svg)

![Span scaling](../bench/results/full-span-scaling.svg)`;

/** The figure of a scenario that tells how much faster so many instances are. */
const SPEED_UP = /^speed-up of (\d+)$/;

/**
 * Writes what a run gave below bench/results/, and, after a full run of everything, the tables into docs/performance.md.
 *
 * @param root of the checkout
 */
export async function writeResults(report: Report, isWhole: boolean, root: string): Promise<void> {
  const folder = join(root, 'bench/results');
  await mkdir(folder, { recursive: true });
  const name = isWhole ? (report.quick ? 'quick' : 'full') : 'part';
  const markdown = markdownReport(report);
  await writeFile(join(folder, `${name}.json`), `${JSON.stringify(report, undefined, 2)}\n`);
  await writeFile(join(folder, `${name}.md`), markdown);
  await writeFile(join(folder, `${name}.svg`), ratioChart(report.outcomes));
  await writeFile(join(folder, `${name}-growth.svg`), growthChart(report.outcomes));
  await writeFile(join(folder, `${name}-span-scaling.svg`), speedUpChart(report.outcomes));
  if (name !== 'full') return;
  const page = join(root, 'docs/performance.md');
  await writeFile(page, withResults(await readFile(page, 'utf8'), `${markdown}\n${CHARTS}`));
}

/**
 * The page with these results in place of the ones it has.
 *
 * @throws Error when the page has no place for them
 */
export function withResults(page: string, markdown: string): string {
  const begin = page.indexOf(BEGIN);
  const end = page.indexOf(END);
  if (begin === -1 || end < begin) throw new Error(`The page has no ${BEGIN} with ${END} after it.`);
  return `${page.slice(0, begin + BEGIN.length)}\n\n${markdown.trimEnd()}\n\n${page.slice(end)}`;
}

function growthChart(outcomes: readonly Outcome[]): string {
  const curves = outcomes.flatMap(({ name, growth }) => {
    const one = growth?.points[0]?.cost;
    if (growth === undefined || one === undefined) return [];
    return [{ name, points: growth.points.map(({ times, cost }) => ({ x: times, y: cost / one })) }];
  });
  return curveChart({
    title: 'How the cost grows with the work',
    xName: 'times the work',
    yName: 'times the cost',
    ideal: { name: 'in proportion', points: [1, 4, 16].map((times) => ({ x: times, y: times })) },
    curves,
  });
}

function speedUpChart(outcomes: readonly Outcome[]): string {
  const curves = outcomes.flatMap(({ name, goals }) => {
    const points = goals.flatMap(({ figure, mesh }) => {
      const instances = SPEED_UP.exec(figure)?.[1];
      return instances === undefined ? [] : [{ x: Number(instances), y: mesh.median }];
    });
    return points.length === 0 ? [] : [{ name, points: [{ x: 1, y: 1 }, ...points] }];
  });
  return curveChart({
    title: 'How much faster more engine instances are',
    xName: 'engine instances',
    yName: 'times as fast as one',
    ideal: { name: 'in proportion', points: [1, 2, 4, 8].map((count) => ({ x: count, y: count })) },
    curves,
  });
}
