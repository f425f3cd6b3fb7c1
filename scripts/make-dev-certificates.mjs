// Makes certificates for mutual TLS inside the mesh, for development:
//   node scripts/make-dev-certificates.mjs FOLDER [NAME ...]
// NAME is a host name or address by which the registry or an engine is reached. Then set GRPC_TLS_CERT=FOLDER/cert.pem,
// GRPC_TLS_KEY=FOLDER/key.pem and GRPC_TLS_CA=FOLDER/ca.pem everywhere.
import { isAbsolute, join, relative, resolve } from 'node:path';
import { makeDevCertificates } from './lib/dev-certificates.mjs';
import { root } from './lib/run.mjs';

const [folder, ...names] = process.argv.slice(2);
try {
  if (folder === undefined)
    throw new Error('name the folder: node scripts/make-dev-certificates.mjs FOLDER [NAME ...]');
  const target = resolve(folder);
  if (isInside(target, root) && !isInside(target, join(root, 'data'))) {
    throw new Error('keys do not belong into the checkout: name a folder outside it, or one in data/');
  }
  makeDevCertificates(target, names);
} catch (error) {
  process.stderr.write(`polyscribe: ${error.message}\n`);
  process.exitCode = 1;
}

function isInside(path, folder) {
  const way = relative(folder, path);
  return !way.startsWith('..') && !isAbsolute(way);
}
