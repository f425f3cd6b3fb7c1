import { PolyscribeError } from '#contracts';

/** Longest key; together with the data folder it stays under the path limit of every common file system. */
const MAX_KEY_LENGTH = 512;
/** File systems allow 255 bytes a name. */
const MAX_PART_LENGTH = 200;

const part = /^[A-Za-z0-9_-][A-Za-z0-9._-]*$/;
const partOfPrefix = /^([A-Za-z0-9_-][A-Za-z0-9._-]*)?$/;

/** The parts of a key. @throws PolyscribeError `invalid_request` when it is not one */
export function partsOfKey(key: string): string[] {
  const parts = key.split('/');
  if (key.length > MAX_KEY_LENGTH || !parts.every((name) => name.length <= MAX_PART_LENGTH && part.test(name))) {
    throw new PolyscribeError(
      'invalid_request',
      'An object key is made of letters, digits, "-", "_" and "." in parts joined by "/", none beginning with a dot.',
    );
  }
  return parts;
}

/** The folder parts and the beginning of a name that a prefix stands for. @throws PolyscribeError `invalid_request` */
export function partsOfPrefix(prefix: string): { folders: string[]; nameStart: string } {
  const parts = prefix.split('/');
  const nameStart = parts.pop() ?? '';
  if (prefix.length > MAX_KEY_LENGTH || !partOfPrefix.test(nameStart) || !parts.every((name) => part.test(name))) {
    throw new PolyscribeError('invalid_request', 'A prefix is the beginning of an object key.');
  }
  return { folders: parts, nameStart };
}
