import { parseArgs } from 'node:util';
import { compareTexts, type DiffRun, type TextComparison } from '#evaluation';
import { CliError } from './cli-error.js';
import { readTranscript } from './transcript-file.js';

export const usage = `Usage: npm run evaluate -- REFERENCE HYPOTHESIS [options]

Word error rate of a transcript against what was said. Files may be txt, srt, vtt or json (of a result).

  --diff               show where the texts differ: [-missing-] {+added+} [-said-]{+written+}
  --keep-case          upper and lower case differ
  --keep-punctuation   punctuation counts
  --json               print all as JSON
  --help               print this
`;

/** Beyond that a comparison takes minutes: about six hours of speech. */
const MAX_CELLS = 4_000_000_000;

export interface EvaluationArguments {
  readonly reference: string;
  readonly hypothesis: string;
  readonly diff: boolean;
  readonly json: boolean;
  readonly ignoreCase: boolean;
  readonly ignorePunctuation: boolean;
}

/** @returns undefined when help was asked for. @throws CliError in one line that says what was wrong. */
export function readEvaluation(argv: readonly string[]): EvaluationArguments | undefined {
  const { values, positionals } = parse(argv);
  if (values.help) return undefined;
  const [reference, hypothesis, ...rest] = positionals;
  if (reference === undefined || hypothesis === undefined) {
    throw new CliError('Two files are needed. Try: npm run evaluate -- REFERENCE HYPOTHESIS');
  }
  if (rest.length > 0) throw new CliError(`Two files at a time; what is "${rest.join(' ')}"?`);
  return {
    ...{ reference, hypothesis },
    diff: values.diff ?? false,
    json: values.json ?? false,
    ignoreCase: !values['keep-case'],
    ignorePunctuation: !values['keep-punctuation'],
  };
}

/** What is to be printed. */
export async function evaluateFiles(args: EvaluationArguments): Promise<string> {
  const [reference, hypothesis] = await Promise.all([readTranscript(args.reference), readTranscript(args.hypothesis)]);
  const cells = reference.split(/\s+/).length * hypothesis.split(/\s+/).length;
  if (cells > MAX_CELLS) throw new CliError('The texts are too long to be compared in one piece; split them.');
  const compared = compareTexts(reference, hypothesis, args);
  if (args.json) return `${JSON.stringify(compared, undefined, 2)}\n`;
  return args.diff ? `${marked(compared.diff)}\n\n${figures(compared)}` : figures(compared);
}

function figures({ wer, substitutions, insertions, deletions, referenceWords }: TextComparison): string {
  return [
    `Word error rate  ${(wer * 100).toFixed(2)} %`,
    `Substitutions    ${substitutions}`,
    `Insertions       ${insertions}`,
    `Deletions        ${deletions}`,
    `Words said       ${referenceWords}`,
    '',
  ].join('\n');
}

function marked(diff: readonly DiffRun[]): string {
  return diff
    .map(({ type, reference, hypothesis }) => {
      if (type === 'equal') return hypothesis;
      return `${reference === undefined ? '' : `[-${reference}-]`}${hypothesis === undefined ? '' : `{+${hypothesis}+}`}`;
    })
    .join(' ');
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        diff: { type: 'boolean' },
        json: { type: 'boolean' },
        'keep-case': { type: 'boolean' },
        'keep-punctuation': { type: 'boolean' },
        help: { type: 'boolean' },
      },
    });
  } catch (error) {
    throw new CliError(`${error instanceof Error ? error.message : 'Bad arguments'}. Try --help.`, { cause: error });
  }
}
