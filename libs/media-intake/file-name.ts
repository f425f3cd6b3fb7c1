const MAX_LENGTH = 200;

/**
 * A client's name for its file, fit to be shown and stored: any script, no folders, no control or direction characters
 * (with which `exe.mp3` can pose as `3pm.exe`), at most 200 characters with the extension kept. Never used as a path.
 */
export function cleanFileName(name: string | undefined): string {
  const base = (name ?? '').split(/[/\\]/).at(-1) ?? '';
  const clean = base
    .normalize('NFC')
    .replace(/[\p{Cc}\p{Cs}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, '')
    .trim();
  if (/^\.*$/.test(clean)) return 'upload';
  const characters = Array.from(clean);
  if (characters.length <= MAX_LENGTH) return clean;
  const extension = /\.[^.]{1,10}$/u.exec(clean)?.[0] ?? '';
  return characters.slice(0, MAX_LENGTH - extension.length).join('') + extension;
}

/** The name of the file that a URL seems to point at, fit to be shown. */
export function fileNameInUrl(url: URL): string {
  const last = url.pathname.split('/').at(-1) ?? '';
  return cleanFileName(decoded(last) ?? last);
}

/** The name that a host gives to what it sends (RFC 6266), fit to be shown; undefined where it gives none. */
export function fileNameInHeader(contentDisposition: string | undefined): string | undefined {
  if (contentDisposition === undefined) return undefined;
  const [, extended] = /;\s*filename\*\s*=\s*utf-8'[^']*'([^;\s"]+)/i.exec(contentDisposition) ?? [];
  const [, quoted, token] = /;\s*filename\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;\s"]+))/i.exec(contentDisposition) ?? [];
  const plain = quoted?.replace(/\\(.)/g, '$1') ?? token;
  const name = (extended === undefined ? undefined : decoded(extended)) ?? plain;
  return name === undefined ? undefined : cleanFileName(name);
}

/** @returns undefined where a percent sign begins no character */
function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
