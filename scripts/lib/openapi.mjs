import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root } from './run.mjs';

const file = join(root, 'docs', 'openapi.json');

/** The API document as the compiled gateway serves it, in lines. */
async function freshDocument() {
  const module = join(root, 'dist', 'apps', 'gateway', 'openapi', 'api-document.js');
  const { apiDocument } = await import(pathToFileURL(module).href);
  return `${JSON.stringify(apiDocument('/'), undefined, 2)}\n`;
}

/** Writes the API document beside the other documents. */
export async function writeApiDocument() {
  writeFileSync(file, await freshDocument());
}

/** @throws Error where the API document that is checked in is not the one that is served */
export async function checkApiDocument() {
  if (readFileSync(file, 'utf8') === (await freshDocument())) return;
  throw new Error('docs/openapi.json is not what the gateway serves: run `npm run generate`.');
}
