import { z } from 'zod';

/** A JSON schema of an object, as far as the document looks into it. */
export interface Shape {
  readonly properties?: Readonly<Record<string, object & { readonly description?: string }>>;
  readonly required?: readonly string[];
}

/**
 * What a schema of ours says as a JSON schema, without its dialect, which OpenAPI 3.1 names once for all.
 *
 * @param io `input` where defaults are filled in by us, so that clients may leave their fields out
 */
export function shapeOf(schema: z.ZodType, io: 'input' | 'output' = 'output'): Shape {
  const made = z.toJSONSchema(schema, {
    io,
    unrepresentable: 'any',
    override: ({ jsonSchema }) => {
      // Every whole number is one that JavaScript can count to: not worth a word.
      if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
    },
  });
  return Object.fromEntries(Object.entries(made).filter(([name]) => name !== '$schema'));
}
