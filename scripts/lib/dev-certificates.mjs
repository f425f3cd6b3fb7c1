import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';

/** Long enough for a while of work, short enough not to be taken for production. */
const days = ['-days', '90'];
const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

/**
 * Makes an authority of its own, and one certificate for servers and clients, with the system's openssl: `ca.pem`,
 * `ca-key.pem`, `cert.pem`, `key.pem`. Keys can be read by their owner only.
 *
 * @param {string} folder made when it is not there
 * @param {string[]} names host names and addresses beside `localhost` and `127.0.0.1`
 */
export function makeDevCertificates(folder, names) {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = (name) => join(folder, name);
  const [config, request, serial] = ['request.cnf', 'request.pem', 'serial'].map(file);
  const authority = ['-CA', file('ca.pem'), '-CAkey', file('ca-key.pem'), '-CAcreateserial', '-CAserial', serial];
  const umask = process.umask(0o077);
  try {
    writeFileSync(config, configFor(names));
    const subject = ['-subj', '/CN=Polyscribe development authority', '-config', config, '-extensions', 'authority'];
    openssl(['req', '-x509', ...newKey, ...days, ...subject, '-keyout', file('ca-key.pem'), '-out', file('ca.pem')]);
    const peer = ['-subj', '/CN=polyscribe', '-config', config];
    openssl(['req', '-new', ...newKey, ...peer, '-keyout', file('key.pem'), '-out', request]);
    const extensions = ['-extfile', config, '-extensions', 'peer'];
    openssl(['x509', '-req', ...days, '-in', request, ...authority, ...extensions, '-out', file('cert.pem')]);
  } finally {
    process.umask(umask);
    for (const path of [config, request, serial]) rmSync(path, { force: true });
  }
  for (const name of ['ca.pem', 'cert.pem']) chmodSync(file(name), 0o644);
}

function configFor(names) {
  const all = [...new Set(['localhost', '127.0.0.1', ...names])];
  for (const name of all) {
    if (!/^[A-Za-z0-9.:-]{1,253}$/.test(name)) throw new Error(`${name} is neither a host name nor an address`);
  }
  const alternatives = all.map((name) => `${isIP(name) ? 'IP' : 'DNS'}:${name}`).join(',');
  return [
    '[req]',
    'distinguished_name = name',
    '[name]',
    '[authority]',
    'basicConstraints = critical, CA:TRUE',
    'keyUsage = critical, keyCertSign, cRLSign',
    '[peer]',
    'basicConstraints = critical, CA:FALSE',
    'keyUsage = critical, digitalSignature',
    'extendedKeyUsage = serverAuth, clientAuth',
    `subjectAltName = ${alternatives}`,
    '',
  ].join('\n');
}

function openssl(args) {
  const { status, error, stderr } = spawnSync('openssl', args, { encoding: 'utf8' });
  if (error) throw new Error('openssl is missing: install it through your package manager', { cause: error });
  if (status !== 0) throw new Error(`openssl ${args[0]} failed: ${stderr.trim()}`);
}
