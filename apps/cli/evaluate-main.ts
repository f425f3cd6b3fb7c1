import { evaluateFiles, readEvaluation, usage } from './evaluate.js';
import { CliError } from './cli-error.js';

// The command line: prints the figures to standard output and all else to standard error.
try {
  const args = readEvaluation(process.argv.slice(2));
  process.stdout.write(args ? await evaluateFiles(args) : usage);
} catch (error) {
  if (!(error instanceof CliError)) throw error;
  process.stderr.write(`polyscribe: ${error.message}\n`);
  process.exitCode = 1;
}
