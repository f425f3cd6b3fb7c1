import * as fc from 'fast-check';

/** A JSON schema as the API document has them. */
export interface Schema {
  readonly $ref?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly type?: string | readonly string[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly { readonly required?: readonly string[] }[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly additionalProperties?: unknown;
  readonly format?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly maxLength?: number;
  readonly maxItems?: number;
}

/** Texts that break what was not thought of. */
export const hostileText = fc.oneof(
  fc.constantFrom(
    '',
    '\0',
    'a\0b',
    '\r\nX-Injected: 1',
    '../../etc/passwd',
    "'; DROP TABLE transcripts; --",
    '%00%ff%zz',
    '\ud800',
    '\u202egnp.exe',
    '👩‍⚕️'.repeat(50),
    'e\u0301'.repeat(200),
    '__proto__',
    'constructor',
    'NaN',
    '1e309',
    '-0',
    'null',
    '{"a":',
    '[[[[',
    'file:///etc/passwd',
    'http://127.0.0.1/a.mp3',
    'http://[::ffff:10.0.0.1]/',
    'x'.repeat(20_000),
  ),
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.string({ unit: 'grapheme', maxLength: 60 }),
);

/** Values of any kind, in the place of one that is wanted. */
export const hostileValue: fc.Arbitrary<unknown> = fc.oneof(
  hostileText,
  fc.constantFrom(null, true, false, 0, -1, 1.5, 1e308, -1e308, Number.MAX_SAFE_INTEGER + 2, [], {}, [null], [[]]),
  fc.jsonValue({ maxDepth: 4 }),
  fc.constantFrom(20, 200).map((depth) => JSON.parse('['.repeat(depth) + ']'.repeat(depth)) as unknown),
  fc.constant(JSON.parse('{"__proto__":{"engine":"asr"},"constructor":{"prototype":1}}') as unknown),
);

/** Values that a schema allows, and now and then one that it does not. */
export class SchemaValues {
  constructor(private readonly schemas: Readonly<Record<string, Schema>>) {}

  /** @param faults how many of a hundred values are hostile, at every place */
  of(schema: Schema, faults = 5): fc.Arbitrary<unknown> {
    const right = this.rightFor(schema, faults);
    return faults === 0
      ? right
      : fc.oneof({ weight: 100 - faults, arbitrary: right }, { weight: faults, arbitrary: hostileValue });
  }

  private rightFor(schema: Schema, faults: number): fc.Arbitrary<unknown> {
    if (schema.$ref !== undefined) {
      return this.rightFor(this.schemas[schema.$ref.split('/').at(-1) ?? ''] ?? {}, faults);
    }
    if (schema.const !== undefined) return fc.constant(schema.const);
    if (schema.enum) return fc.constantFrom(...schema.enum);
    const types = [schema.type ?? 'anything'].flat();
    const choices = schema.anyOf ?? (types.length > 1 ? types.map((type) => ({ ...schema, type })) : []);
    if (choices.length > 0) return fc.oneof(...choices.map((each) => this.of(each, faults)));
    return this.typed(types[0] ?? 'anything', schema, faults);
  }

  private typed(type: string, schema: Schema, faults: number): fc.Arbitrary<unknown> {
    const { minimum, maximum, items = {}, maxItems = 4 } = schema;
    switch (type) {
      case 'string':
        return textOf(schema);
      case 'integer':
        return fc.integer({ min: minimum ?? -1_000, max: maximum ?? 1_000_000 });
      case 'number':
        return fc.double({ min: minimum ?? -1e6, max: maximum ?? 1e6, noNaN: true });
      case 'boolean':
        return fc.boolean();
      case 'array':
        return fc.array(this.of(items, faults), { maxLength: Math.min(maxItems, 4) });
      case 'object':
        return this.objectOf(schema, faults);
      default:
        return fc.jsonValue({ maxDepth: 2 });
    }
  }

  private objectOf({ properties = {}, required = [], oneOf, additionalProperties }: Schema, faults: number) {
    const choices = oneOf?.flatMap((choice) => choice.required ?? []) ?? [];
    const optional = Object.keys(properties).filter((name) => !required.includes(name) && !choices.includes(name));
    const shapes = (names: readonly string[]) =>
      Object.fromEntries(names.map((name) => [name, this.of(properties[name] ?? {}, faults)]));
    const chosen = choices.length === 0 ? fc.constant([]) : fc.constantFrom(...choices.map((name) => [name]));
    return fc
      .tuple(fc.subarray(optional, { maxLength: Math.min(optional.length, 5) }), chosen, fc.nat(99))
      .chain(([some, one, luck]) => {
        const kept = luck < faults ? [...required].slice(1) : required;
        const unknown = luck % 50 === 0 && additionalProperties === false ? { surprise: hostileValue } : {};
        return fc.record({ ...shapes([...kept, ...some, ...one]), ...unknown });
      });
  }
}

function textOf({ format, maxLength = 40 }: Schema): fc.Arbitrary<string> {
  if (format === 'uuid') return fc.uuid();
  if (format === 'date-time')
    return fc.date({ noInvalidDate: true, min: new Date(0) }).map((date) => date.toISOString());
  if (format === 'uri') return fc.webPath().map((path) => `http://files.example${path}`);
  return fc.oneof(
    fc.constantFrom('en', 'pt-BR', 'base', 'visit', 'http://files.example/done'),
    fc.string({ unit: 'grapheme', maxLength: Math.min(maxLength, 60) }),
  );
}
