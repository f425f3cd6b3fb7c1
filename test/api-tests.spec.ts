import { readFile } from 'node:fs/promises';
import { type Shown, apiTests } from './support/api-tests.js';

interface Schema {
  readonly $ref?: string;
  readonly properties?: Readonly<Record<string, unknown>>;
}

interface Operation {
  readonly parameters?: readonly { readonly name: string }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> };
}

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

/** Every route of the document with the names of its parameters and the fields of its bodies, each as `route name`. */
async function described(): Promise<string[]> {
  const document = JSON.parse(await readFile('docs/openapi.json', 'utf8')) as Document;
  const resolved = (schema: Schema): Schema =>
    schema.$ref === undefined ? schema : (document.components.schemas[schema.$ref.split('/').at(-1) ?? ''] ?? {});
  return Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.entries(operations).flatMap(([method, { parameters = [], requestBody }]) => {
      const route = `${method.toUpperCase()} ${path}`;
      const bodies = Object.values(requestBody?.content ?? {}).map(({ schema }) => resolved(schema));
      const fields = bodies.flatMap(({ properties = {} }) => Object.keys(properties));
      const options = new Set([...parameters.map(({ name }) => name), ...fields]);
      return [route, ...[...options].map((option) => `${route} ${option}`)];
    }),
  );
}

const listed = Object.entries(apiTests).flatMap(([route, { route: shown, options = {} }]): [string, Shown][] => [
  [route, shown],
  ...Object.entries(options).map(([option, where]): [string, Shown] => [`${route} ${option}`, where]),
]);

describe('the list of tests of the API', () => {
  it('has every route and option of the API document, and no others', async () => {
    // Whatever is new in the document needs a test on a running gateway, and its place in test/support/api-tests.ts.
    expect(listed.map(([name]) => name).toSorted()).toEqual((await described()).toSorted());
  });

  it('names tests that there are', async () => {
    const sources = new Map<string, string>();
    const missing: string[] = [];
    for (const [name, [file, title]] of listed) {
      const source = sources.get(file) ?? (await readFile(file, 'utf8'));
      sources.set(file, source);
      if (!source.includes(`'${title}`)) missing.push(`${name}: ${file} has no test "${title}"`);
    }
    expect(missing).toEqual([]);
  });
});
