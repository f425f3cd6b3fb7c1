/** What the text of an engine option has to be. */
export const optionTypes = ['text', 'flag', 'integer', 'number'] as const;
export type OptionType = (typeof optionTypes)[number];

/**
 * A key of `engineOptions` that an engine takes, and what may stand under it. Said by type and bounds and not by a regular
 * expression: whoever judges a request would otherwise run an expression of somebody else's on text of a third party's.
 */
export interface EngineOption {
  /** The key; with `*` at its end, every longer key that begins with what is before it. */
  readonly name: string;
  /** What it does and its unit, for people. */
  readonly description: string;
  readonly type: OptionType;
  /** Least value of an integer or number. */
  readonly min?: number;
  readonly max?: number;
  /** The only texts that are taken. */
  readonly values?: readonly string[];
}

const shapes: Readonly<Record<OptionType, RegExp>> = {
  text: /^/,
  flag: /^(true|false)$/,
  integer: /^-?\d{1,9}$/,
  number: /^-?\d{1,9}(\.\d{1,9})?$/,
};

const names: Readonly<Record<OptionType, string>> = {
  text: 'a text',
  flag: 'true or false',
  integer: 'a whole number',
  number: 'a number',
};

/** The option that stands for a key; undefined when the engine does not take it. */
export function optionFor(options: readonly EngineOption[], key: string): EngineOption | undefined {
  return options.find(({ name }) => name === key) ?? options.find(({ name }) => isUnder(name, key));
}

function isUnder(name: string, key: string): boolean {
  return name.endsWith('*') && key.length >= name.length && key.startsWith(name.slice(0, -1));
}

/** What is wrong with the text of an option, such as `must be a whole number from 1 to 20`; undefined when it is right. */
export function optionFault(option: EngineOption, text: string): string | undefined {
  const { type, min, max, values } = option;
  const isNumeric = type === 'integer' || type === 'number';
  const value = Number(text);
  const isWithin = !isNumeric || (value >= (min ?? -Infinity) && value <= (max ?? Infinity));
  if (shapes[type].test(text) && isWithin && (values?.includes(text) ?? true)) return undefined;
  return `must be ${wanted(option)}`;
}

function wanted({ type, min, max, values }: EngineOption): string {
  if (values) return `one of ${values.join(', ')}`;
  if (min !== undefined && max !== undefined) return `${names[type]} from ${min} to ${max}`;
  if (min !== undefined) return `${names[type]} of at least ${min}`;
  return max === undefined ? names[type] : `${names[type]} of at most ${max}`;
}

/** The text of an option as a value of its type. */
export function optionValue({ type }: EngineOption, text: string): string | number | boolean {
  if (type === 'text') return text;
  return type === 'flag' ? text === 'true' : Number(text);
}
