import { parseArgs } from 'node:util';
import { root } from '../test/support/mesh-process.js';
import { catalogue } from './catalogue.js';
import { measure, type Outcome } from './harness/measure.js';
import { markdownReport, type Report } from './harness/report.js';
import { writeResults } from './harness/result-files.js';
import { surroundings } from './harness/surroundings.js';

/**
 * `npm run bench [-- --quick] [--rounds N] [SCENARIO...]`: measures the mesh against bare things and writes the figures
 * into bench/results/. Ends with 1 when a scenario failed; a goal that is not reached is a figure like any other.
 */
const ROUNDS = 5;
const QUICK_ROUNDS = 3;
const { values, positionals } = argumentsOrUsage();
const rounds = Number(values.rounds ?? (values.quick ? QUICK_ROUNDS : ROUNDS));
const unknown = positionals.filter((name) => !catalogue.some((scenario) => scenario.name === name));
if (values.list) {
  const lines = catalogue.map(({ name, title, against }) => `${name}\n    ${title}\n    against: ${against}\n`);
  process.stdout.write(lines.join(''));
} else if (unknown.length > 0) {
  refuse(`There is no scenario ${unknown.join(', ')}.`);
} else if (!Number.isInteger(rounds) || rounds < 1) {
  refuse('--rounds takes a whole number from 1.');
} else {
  await runAll();
}

function argumentsOrUsage() {
  try {
    return parseArgs({
      options: {
        quick: { type: 'boolean', default: false },
        rounds: { type: 'string' },
        list: { type: 'boolean', default: false },
      },
      allowPositionals: true,
    });
  } catch (error) {
    refuse(error instanceof Error ? error.message : String(error));
    process.exit();
  }
}

function refuse(why: string): void {
  const names = catalogue.map(({ name }) => name).join(', ');
  say(`${why}\nUsage: npm run bench [-- --quick] [--rounds N] [--list] [SCENARIO...]\nScenarios: ${names}`);
  process.exitCode = 1;
}

async function runAll(): Promise<void> {
  const started = performance.now();
  const { quick } = values;
  const chosen = catalogue.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
  const outcomes: Outcome[] = [];
  const at = new Date().toISOString().slice(0, 10);
  const reportOf = (measured: readonly Outcome[]): Report => {
    const seconds = (performance.now() - started) / 1000;
    return { at, quick, surroundings: surroundings(), seconds, outcomes: measured };
  };
  // The servers of a scenario outlive this process unless they are stopped.
  const stopped = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopped.abort());
  for (const scenario of chosen) {
    const options = { quick, rounds, growth: quick ? [] : [1, 4, 16], say, signal: stopped.signal };
    const outcome = await measure(scenario, options);
    if (stopped.signal.aborted) process.exit(1);
    outcomes.push(outcome);
    say(`${scenario.name}: ${Math.round(outcome.seconds)} s of ${outcome.budgetS} s`);
    // After each: a run that is broken off has measured something all the same.
    await writeResults(reportOf(outcomes), outcomes.length === catalogue.length, root);
  }
  process.stdout.write(markdownReport(reportOf(outcomes)));
  // What a scenario that hung left behind must not keep this process.
  if (outcomes.some(({ failure }) => failure !== undefined)) process.exit(1);
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
