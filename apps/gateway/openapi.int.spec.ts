import { readFile } from 'node:fs/promises';
import { createConfig, lintFromString } from '@redocly/openapi-core';
import { instanceOf } from '../../libs/routing/testing.js';
import { apiDocument } from './openapi/api-document.js';
import { methods } from './openapi/openapi-types.js';
import { documentedPath } from './testing/answer-watch.js';
import { watchFastify } from './testing/fastify-watch.js';
import { type GatewayUnderTest, startGatewayUnderTest } from './testing/gateway-under-test.js';

describe('the API document', () => {
  let server: GatewayUnderTest;
  const served = new Set<string>();

  beforeAll(async () => {
    const watching = watchFastify((fastify) => {
      fastify.addHook('onRoute', ({ method, url }) => {
        for (const name of [method].flat()) served.add(`${name} ${url}`);
      });
    });
    server = await startGatewayUnderTest([instanceOf('local')]).finally(watching.stop);
  });
  afterAll(() => server.stop());

  it('is the one that is checked in', async () => {
    const response = await fetch(`${server.url}/openapi.json`);
    const checkedIn = JSON.parse(await readFile('docs/openapi.json', 'utf8')) as unknown;
    // Where they differ: npm run generate.
    expect(await response.json()).toEqual(checkedIn);
  });

  it('knows the routes that are served, and no others', () => {
    const { paths } = apiDocument('/');
    const described = Object.entries(paths).flatMap(([path, operations]) =>
      methods.filter((method) => operations[method]).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const real = [...served]
      .map((route) => route.split(' ') as [string, string])
      .filter(([method, url]) => method !== 'HEAD' || !served.has(`GET ${url}`))
      .map(([method, url]) => `${method} ${documentedPath(url)}`);
    expect(new Set(real)).toEqual(new Set(described));
  });

  it('is valid OpenAPI 3.1, with examples that are valid by their schemas', async () => {
    const config = await createConfig({ extends: ['recommended-strict'], rules: exceptions });
    const problems = await lintFromString({ source: JSON.stringify(apiDocument('/')), config });
    expect(problems.map(({ ruleId, message, location }) => [ruleId, message, location[0]?.pointer])).toEqual([]);
  });

  it('gives every schema an example, and every operation a refusal', () => {
    const { components, paths } = apiDocument('/');
    for (const [name, schema] of Object.entries(components.schemas)) {
      expect([name, (schema as { examples: unknown[] }).examples.length > 0]).toEqual([name, true]);
    }
    for (const operations of Object.values(paths)) {
      for (const { responses } of Object.values(operations)) expect(Object.keys(responses)).toContain('500');
    }
  });
});

/** Rules of taste that are not ours. */
const exceptions = {
  'no-server-example.com': 'off',
  'no-empty-servers': 'off',
  'info-license-url': 'off',
  'no-ambiguous-paths': 'off',
  'no-identical-paths': 'error',
  'no-invalid-media-type-examples': 'error',
  'no-invalid-schema-examples': 'error',
  'no-invalid-parameter-examples': 'error',
} as const;
