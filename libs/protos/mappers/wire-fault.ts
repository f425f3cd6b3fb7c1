import { PolyscribeError } from '#contracts';

/** Whose mistake an unreadable message is: the caller's who sent it, or the engine's that answered with it. */
export type WireFault = 'invalid_request' | 'engine_bad_response';

/** Longest short text (names, addresses, models, tags) that is taken from the wire. */
const MAX_NAME_LENGTH = 256;

/** Longest text of any kind that is no transcript and is taken from the wire. */
const MAX_TEXT_LENGTH = 4_096;

/** Longest list that is taken from the wire. */
const MAX_LIST_LENGTH = 10_000;

/** Checks what came over the wire; each check returns the value or throws with the field's name, never its content. */
export class WireReader {
  constructor(private readonly fault: WireFault) {}

  fail(field: string, problem: string): never {
    throw new PolyscribeError(this.fault, `${field} ${problem}.`, {
      fields: [{ pointer: `/${field.replaceAll('.', '/')}`, detail: problem }],
    });
  }

  present<T>(field: string, value: T | undefined): T {
    return value ?? this.fail(field, 'is missing');
  }

  /** A short text; may be empty. */
  name(field: string, value: string): string {
    if (value.length > MAX_NAME_LENGTH) this.fail(field, `is longer than ${String(MAX_NAME_LENGTH)} characters`);
    return value;
  }

  filledName(field: string, value: string): string {
    if (value === '') this.fail(field, 'is missing');
    return this.name(field, value);
  }

  /** A text of some length; may be empty. */
  text(field: string, value: string): string {
    if (value.length > MAX_TEXT_LENGTH) this.fail(field, `is longer than ${String(MAX_TEXT_LENGTH)} characters`);
    return value;
  }

  list<T>(field: string, values: readonly T[]): readonly T[] {
    if (values.length > MAX_LIST_LENGTH) this.fail(field, `has more than ${String(MAX_LIST_LENGTH)} entries`);
    return values;
  }

  atLeast(field: string, value: number, least: number): number {
    // Written so that NaN fails.
    if (!(value >= least && Number.isFinite(value))) this.fail(field, `must be a number from ${String(least)}`);
    return value;
  }

  finite(field: string, value: number): number {
    if (!Number.isFinite(value)) this.fail(field, 'must be a number');
    return value;
  }

  /** 0 to 1. */
  fraction(field: string, value: number): number {
    if (!(value >= 0 && value <= 1)) this.fail(field, 'must be from 0 to 1');
    return value;
  }

  /** The domain's word for a wire enum; unset and unknown numbers fail unless `unset` says what they mean. */
  choice<Wire extends number, Domain>(
    field: string,
    value: Wire,
    meaning: (value: Wire) => Domain | undefined,
  ): Domain {
    return meaning(value) ?? this.fail(field, 'has a value that is not known here');
  }
}
