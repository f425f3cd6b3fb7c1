/** Families of Whisper servers that the adapter speaks to; `auto` finds out which one answers. */
export const whisperxDialects = ['auto', 'polyscribe', 'asr-webservice', 'openai', 'whisperx-fastapi'] as const;
export type WhisperxDialect = (typeof whisperxDialects)[number];

/** Base URLs from a list with commas; undefined when one of them is none. A `/v1` at the end is left off: paths begin with it. */
export function parseServerUrls(text: string): string[] | undefined {
  const urls = text.split(',').map((part) => part.trim());
  const parsed = urls.map((url) => (/^https?:\/\//i.test(url) && URL.canParse(url) ? new URL(url) : undefined));
  const addresses: string[] = [];
  for (const url of parsed) {
    if (url === undefined || `${url.username}${url.password}${url.search}${url.hash}` !== '') return undefined;
    addresses.push(url.href.replace(/\/+$/, '').replace(/\/v1$/, ''));
  }
  return new Set(addresses).size === addresses.length ? addresses : undefined;
}

/** Names from a list with commas; undefined when one is empty or stands there twice. */
export function parseNames(text: string): string[] | undefined {
  const names = text.split(',').map((part) => part.trim());
  return names.every((name) => name !== '' && name.length <= 200) && new Set(names).size === names.length
    ? names
    : undefined;
}
