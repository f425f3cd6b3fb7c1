import * as fc from 'fast-check';
import { apiDocument } from '../../apps/gateway/openapi/api-document.js';
import type { MediaType, Operation, Parameter } from '../../apps/gateway/openapi/openapi-types.js';
import { silentWav } from '../../apps/gateway/testing/sounds.js';
import { hostileText, type Schema, SchemaValues } from './schema-values.js';

/** A request as it is to be sent, but for ids: `known` of something that was made before, where there is any. */
export interface FuzzRequest {
  readonly method: string;
  /** Path and query; `{known}` stands for an id. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Buffer;
  /** Which of the ids that are known is meant. */
  readonly pick: number;
}

export const KNOWN_ID = '{known}';

const document = apiDocument('/');
const values = new SchemaValues(document.components.schemas);
const sound = silentWav(1);

/** Requests to every operation of the API document. */
export const requests: fc.Arbitrary<FuzzRequest> = fc.oneof(
  ...Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) => requestTo(path, method.toUpperCase(), operation)),
  ),
);

function requestTo(path: string, method: string, operation: Operation): fc.Arbitrary<FuzzRequest> {
  const parameters = operation.parameters ?? [];
  return fc
    .record({
      path: pathOf(path, parameters),
      query: queryOf(parameters),
      headers: headersOf(parameters),
      content: contentOf(operation.requestBody?.content),
      strayMethod: rarely(30, fc.constantFrom('GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS')),
      pick: fc.nat(),
    })
    .map(({ path: filled, query, headers, content, strayMethod, pick }) => ({
      method: strayMethod ?? method,
      path: filled + query,
      headers: { ...headers, ...(content === null ? {} : { 'content-type': content.type }) },
      ...(content === null ? {} : { body: content.body }),
      pick,
    }));
}

/** null but for one in so many. */
function rarely<T>(oneIn: number, arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | null> {
  return fc.oneof({ weight: oneIn - 1, arbitrary: fc.constant(null) }, { weight: 1, arbitrary });
}

/** The path with its parameters filled in: with ids that there are, well-formed ones, and rubbish. */
function pathOf(path: string, parameters: readonly Parameter[]): fc.Arbitrary<string> {
  const segment = fc.oneof(
    { weight: 6, arbitrary: fc.constant(KNOWN_ID) },
    { weight: 2, arbitrary: fc.uuid() },
    { weight: 1, arbitrary: hostileText.map(encoded) },
    { weight: 1, arbitrary: fc.constantFrom('..', '%2e%2e%2fetc', '%00', '%zz', '%c0%af', 'x'.repeat(700), '') },
  );
  const names = parameters.filter((parameter) => parameter.in === 'path');
  return names.reduce<fc.Arbitrary<string>>(
    (paths, { name }) => fc.tuple(paths, segment).map(([text, value]) => text.replace(`{${name}}`, () => value)),
    fc.constant(path),
  );
}

function queryOf(parameters: readonly Parameter[]): fc.Arbitrary<string> {
  const known = parameters.filter((parameter) => parameter.in === 'query');
  const pair = (name: string, schema: object) =>
    values.of(schema, 5).map((value) => `${encoded(name)}=${encoded(textFor(value))}`);
  const pairs = known.map(({ name, schema }) => fc.option(pair(name, schema), { freq: 2 }));
  const stray = rarely(
    20,
    fc.tuple(hostileText, hostileText).map((both) => both.map(encoded).join('=')),
  );
  return fc.tuple(stray, ...pairs).map((given) => {
    const query = given.filter((part) => part !== null).join('&');
    return query === '' ? '' : `?${query}`;
  });
}

function headersOf(parameters: readonly Parameter[]): fc.Arbitrary<Record<string, string>> {
  const known = parameters.filter((parameter) => parameter.in === 'header');
  const value = (schema: object) => values.of(schema, 5).map((each) => headerText(textFor(each)));
  const named = known.map(({ name, schema, required }) =>
    fc.option(value(schema), { freq: required ? 20 : 3 }).map((given) => [name.toLowerCase(), given] as const),
  );
  const stray = fc.tuple(
    fc.constantFrom(
      'x-request-id',
      'range',
      'if-range',
      'if-none-match',
      'if-match',
      'origin',
      'accept',
      'idempotency-key',
      'last-event-id',
      'cookie',
      'expect',
      'upload-concat',
      'upload-defer-length',
      'x-http-method-override',
      'host',
    ),
    hostileText.map(headerText),
  );
  return fc
    .tuple(rarely(8, stray), ...named)
    .map(
      (pairs) =>
        Object.fromEntries(pairs.filter((pair) => pair !== null).filter((pair) => pair[1] !== null)) as Record<
          string,
          string
        >,
    );
}

interface Sent {
  readonly type: string;
  readonly body: Buffer;
}

function contentOf(content: Readonly<Record<string, MediaType>> | undefined): fc.Arbitrary<Sent | null> {
  const rubbish = fc
    .tuple(
      fc.constantFrom(
        'application/json',
        'text/plain',
        'multipart/form-data; boundary=b',
        'multipart/form-data',
        'application/x-www-form-urlencoded',
        'application/offset+octet-stream',
        'application/json; charset=utf-7',
        '/',
      ),
      fc.oneof(
        fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
        hostileText.map((text) => Buffer.from(text)),
      ),
    )
    .map(([type, body]) => ({ type, body }));
  if (!content) return rarely(10, rubbish);
  const right = Object.entries(content).map(([type, media]) => bodyOf(type, media.schema));
  return fc.oneof({ weight: 19, arbitrary: fc.oneof(...right) }, { weight: 1, arbitrary: rubbish });
}

function bodyOf(type: string, schema: Schema): fc.Arbitrary<Sent> {
  switch (type) {
    case 'multipart/form-data':
      return fc
        .tuple(values.of(schema, 1), fc.oneof(fc.constant(sound), fc.uint8Array({ maxLength: 200 })), hostileText)
        .map(([fields, file, name]) => multipart(fields, Buffer.from(file), name));
    case 'application/x-www-form-urlencoded':
      return values.of(schema, 1).map((fields) => ({
        type,
        body: Buffer.from(
          pairsOf(fields)
            .map((pair) => pair.map(encoded).join('='))
            .join('&'),
        ),
      }));
    case 'application/json':
      return values.of(schema, 3).map((value) => ({ type, body: Buffer.from(JSON.stringify(value)) }));
    default:
      return fc.uint8Array({ maxLength: 2_000 }).map((bytes) => ({ type, body: Buffer.from(bytes) }));
  }
}

function multipart(fields: unknown, file: Buffer, filename: string): Sent {
  const boundary = 'fuzz-4f1c9d0e';
  const parts = pairsOf(fields).flatMap(([name, value]) => {
    const head = `--${boundary}\r\ncontent-disposition: form-data; name="${name}"`;
    return name === 'file'
      ? [Buffer.from(`${head}; filename="${filename}"\r\n\r\n`), file, Buffer.from('\r\n')]
      : [Buffer.from(`${head}\r\n\r\n${value}\r\n`)];
  });
  return {
    type: `multipart/form-data; boundary=${boundary}`,
    body: Buffer.concat([...parts, Buffer.from(`--${boundary}--\r\n`)]),
  };
}

function pairsOf(fields: unknown): [string, string][] {
  return typeof fields === 'object' && fields !== null
    ? Object.entries(fields).map(([name, value]) => [name, textFor(value)])
    : [['fields', textFor(fields)]];
}

function textFor(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function encoded(text: string): string {
  // Half a surrogate pair cannot be encoded.
  return encodeURIComponent(text.replace(/\p{Cs}/gu, '\ufffd'));
}

/** What Node lets a client put into a header. */
function headerText(text: string): string {
  return text.replace(/[^\t\x20-\x7e\x80-\xff]/g, '?').slice(0, 2_000);
}
