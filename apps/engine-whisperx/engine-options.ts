import { PolyscribeError } from '#contracts';

/** What an engine option may hold. */
export type OptionKind = 'whole' | 'number' | 'flag' | 'text';

/**
 * Engine options come as text; servers take them by type.
 *
 * @throws PolyscribeError `invalid_request` naming the option
 */
export function typedOptions(
  options: Readonly<Record<string, string>>,
  kinds: Readonly<Record<string, OptionKind>>,
): Record<string, string | number | boolean> {
  const typed: Record<string, string | number | boolean> = {};
  for (const [key, text] of Object.entries(options)) {
    const kind = kinds[key];
    if (kind) typed[key] = typedOption(key, text, kind);
  }
  return typed;
}

function typedOption(key: string, text: string, kind: OptionKind): string | number | boolean {
  if (kind === 'text') return text;
  if (kind === 'flag') {
    if (text === 'true' || text === 'false') return text === 'true';
    throw bad(key, 'true or false');
  }
  const pattern = kind === 'whole' ? /^\d{1,9}$/ : /^\d{1,9}(\.\d{1,9})?$/;
  if (!pattern.test(text)) throw bad(key, kind === 'whole' ? 'a whole number' : 'a number');
  return Number(text);
}

function bad(key: string, what: string): PolyscribeError {
  return new PolyscribeError('invalid_request', `The engine option ${key} must be ${what}.`, {
    fields: [{ pointer: `/engine_options/whisperx/${key}`, detail: `must be ${what}` }],
  });
}
