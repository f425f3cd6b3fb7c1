import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { root } from '../test/support/mesh-process.js';
import { catalogue } from './catalogue.js';
import { ratioChart } from './harness/chart.js';
import { measure, type Outcome } from './harness/measure.js';
import { markdownReport, type Report } from './harness/report.js';
import { surroundings } from './harness/surroundings.js';

/**
 * `npm run bench [-- --quick] [--rounds N] [SCENARIO...]`: measures the mesh against bare things and writes the figures
 * into bench/results/.
 */
const ROUNDS = 5;
const { values, positionals } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string', default: String(ROUNDS) },
    list: { type: 'boolean', default: false },
  },
  allowPositionals: true,
});
const rounds = Number(values.rounds);
const unknown = positionals.filter((name) => !catalogue.some((scenario) => scenario.name === name));
if (values.list) {
  for (const { name, title, against } of catalogue)
    process.stdout.write(`${name}\n    ${title}\n    against: ${against}\n`);
} else if (unknown.length > 0 || !Number.isInteger(rounds) || rounds < 1) {
  const names = catalogue.map(({ name }) => name).join(', ');
  process.stderr.write(`Usage: npm run bench [-- --quick] [--rounds N] [--list] [SCENARIO...]\nScenarios: ${names}\n`);
  process.exitCode = 1;
} else {
  await runAll();
}

async function runAll(): Promise<void> {
  const started = performance.now();
  const { quick } = values;
  const chosen = catalogue.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
  const outcomes: Outcome[] = [];
  for (const scenario of chosen) {
    const growth = quick ? [] : [1, 4, 16];
    outcomes.push(await measure(scenario, { quick, rounds, growth, say }));
    const seconds = Math.round((performance.now() - started) / 1000);
    say(`${scenario.name}: done, ${seconds} s since the start`);
  }
  const report: Report = {
    at: new Date().toISOString().slice(0, 10),
    quick,
    surroundings: surroundings(),
    seconds: (performance.now() - started) / 1000,
    outcomes,
  };
  process.stdout.write(markdownReport(report));
  await keep(report, chosen.length === catalogue.length);
}

async function keep(report: Report, isWhole: boolean): Promise<void> {
  const folder = join(root, 'bench/results');
  await mkdir(folder, { recursive: true });
  const name = isWhole ? (report.quick ? 'quick' : 'full') : 'part';
  const markdown = markdownReport(report);
  await writeFile(join(folder, `${name}.json`), `${JSON.stringify(report, undefined, 2)}\n`);
  await writeFile(join(folder, `${name}.md`), markdown);
  await writeFile(join(folder, `${name}.svg`), ratioChart(report.outcomes));
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
