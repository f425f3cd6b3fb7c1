import { randomBytes, randomUUID } from 'node:crypto';
import { link, mkdir, open, readFile, rm } from 'node:fs/promises';
import { systemErrorCode } from '#contracts';
import { join } from 'node:path';

const SECRET_BYTES = 32;

/**
 * The secret that signs links: made once, kept in the folder for every process that shares it.
 *
 * It is written whole to a name of its own and then linked into place, which fails where another process was first: no
 * reader ever sees half a secret, and all agree on one.
 */
export async function loadLinkSecret(folder: string): Promise<Buffer> {
  const path = join(folder, '.link-secret');
  const existing = await readSecret(path);
  if (existing) return existing;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const draft = join(folder, `.link-secret-${randomUUID()}`);
  try {
    const file = await open(draft, 'wx', 0o600);
    try {
      await file.writeFile(randomBytes(SECRET_BYTES).toString('hex'));
      await file.sync();
    } finally {
      await file.close();
    }
    await link(draft, path).catch((error: unknown) => {
      if (systemErrorCode(error) !== 'EEXIST') throw error;
    });
  } finally {
    await rm(draft, { force: true });
  }
  const secret = await readSecret(path);
  if (!secret) throw new Error('The secret for signed links vanished while it was being made.');
  return secret;
}

async function readSecret(path: string): Promise<Buffer | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
  const secret = Buffer.from(text.trim(), 'hex');
  if (secret.length !== SECRET_BYTES) {
    throw new Error(`${path} does not hold a secret for signed links; remove it to have a new one made.`);
  }
  return secret;
}
