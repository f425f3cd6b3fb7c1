import { parseArgs } from 'node:util';
import { CliError } from './cli-error.js';

export const formats = ['txt', 'srt', 'vtt', 'json', 'md', 'tsv'] as const;
export type Format = (typeof formats)[number];

export const usage = `Usage: npm run transcribe -- FILE [options]

  --engine E      auto, asr, whisperx, local, compare or consensus (default: the mesh's)
  --language L    such as en or pt-BR (default: detect, where the engine can)
  --model M       a model of the engine
  --format F      ${formats.join(', ')} (default: txt)
  --output FILE   write there instead of to standard output
  --json          print the whole result as JSON
  --diarize       tag speakers
  --words         give the time of each word
  --channels      transcribe each channel by itself
  --server URL    use the mesh there (default: the one running here, else one is started)
  --help          print this
`;

export interface Arguments {
  readonly file: string;
  readonly format: Format;
  readonly json: boolean;
  readonly output: string | undefined;
  readonly server: string | undefined;
  /** Form fields of the submit route. */
  readonly options: Readonly<Record<string, string>>;
}

/** @returns undefined when help was asked for. @throws CliError in one line that says what was wrong. */
export function readArguments(argv: readonly string[]): Arguments | undefined {
  const { values, positionals } = parse(argv);
  if (values.help) return undefined;
  const [file, ...rest] = positionals;
  if (file === undefined) throw new CliError('No file named. Try: npm run transcribe -- FILE');
  if (rest.length > 0) throw new CliError(`One file at a time; what is "${rest.join(' ')}"?`);
  const format = formats.find((f) => f === (values.format ?? 'txt'));
  if (format === undefined) throw new CliError(`--format must be one of ${formats.join(', ')}.`);
  if (values.json && values.format !== undefined) throw new CliError('--json and --format exclude each other.');
  const options = {
    ...(values.engine === undefined ? {} : { engine: values.engine }),
    ...(values.language === undefined ? {} : { language: values.language }),
    ...(values.model === undefined ? {} : { model: values.model }),
    ...(values.diarize ? { enable_diarization: 'true' } : {}),
    ...(values.words ? { word_timestamps: 'true' } : {}),
    ...(values.channels ? { separate_channels: 'true' } : {}),
  };
  return { file, format, json: values.json ?? false, output: values.output, server: values.server, options };
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        engine: { type: 'string' },
        language: { type: 'string' },
        model: { type: 'string' },
        format: { type: 'string' },
        output: { type: 'string' },
        server: { type: 'string' },
        json: { type: 'boolean' },
        diarize: { type: 'boolean' },
        words: { type: 'boolean' },
        channels: { type: 'boolean' },
        help: { type: 'boolean' },
      },
    });
  } catch (error) {
    // Node's own message names the option and how to write it.
    throw new CliError(error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error));
  }
}
