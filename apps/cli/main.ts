import { access, constants, stat, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { dirname } from 'node:path';
import { ConfigError } from '#config';
import { type Arguments, readArguments, usage } from './arguments.js';
import { CliError } from './cli-error.js';
import { createProgressView } from './progress-view.js';
import { transcribe } from './transcribe.js';

/** The command line: prints the transcript to standard output and all else to standard error. */
async function main(): Promise<void> {
  const args = readArguments(process.argv.slice(2));
  if (!args) {
    process.stdout.write(usage);
    return;
  }
  await checkFile(args.file);
  if (args.output !== undefined) await checkOutput(args.output);
  const interrupted = new AbortController();
  process.once('SIGINT', () => interrupted.abort(new CliError('Interrupted.')));
  process.once('SIGTERM', () => interrupted.abort(new CliError('Interrupted.')));
  await transcribe(args, {
    progress: createProgressView(process.stderr),
    say: (message) => process.stderr.write(`polyscribe: ${message}\n`),
    signal: interrupted.signal,
    deliver: (text) => print(text, args),
  });
}

/** Judged before a mesh is started for nothing. */
async function checkFile(path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (!found) throw new CliError(`There is no file ${path}.`);
  if (!found.isFile()) throw new CliError(`${path} is not a file.`);
  if (found.size === 0) throw new CliError(`${path} is empty.`);
  await access(path, constants.R_OK).catch(() => {
    throw new CliError(`${path} cannot be read by you.`);
  });
}

/** Judged before the work, which would be lost. */
async function checkOutput(path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  const writable = found ? found.isFile() && (await isWritable(path)) : await isWritable(dirname(path));
  if (path === '' || !writable)
    throw new CliError(`"${path}" cannot be written to; name a file in a folder that exists.`);
}

async function isWritable(path: string): Promise<boolean> {
  return access(path, constants.W_OK).then(
    () => true,
    () => false,
  );
}

async function print(text: string, args: Arguments): Promise<void> {
  if (args.output !== undefined) {
    await writeFile(args.output, text).catch((error: unknown) => {
      throw new CliError(`${args.output ?? ''} could not be written.`, { cause: error });
    });
  } else if (!process.stdout.write(text)) {
    await once(process.stdout, 'drain');
  }
}

try {
  await main();
} catch (error) {
  if (!(error instanceof CliError || error instanceof ConfigError)) throw error;
  process.stderr.write(`polyscribe: ${error.message}\n`);
  process.exitCode = 1;
}
