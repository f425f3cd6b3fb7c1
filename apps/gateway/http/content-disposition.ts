/**
 * `attachment` with the name that a browser saves under: plain ASCII for old clients, the real one as RFC 5987 / 6266
 * `filename*`. Nothing of the name can end the header or the quotes.
 */
export function attachment(filename: string): string {
  const clean = filename.replace(/[\p{Cc}\p{Cs}/\\]/gu, '_');
  const ascii = clean.replace(/[^\x20-\x7e]|["%]/g, '_');
  const encoded = encodeURIComponent(clean).replace(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `attachment; filename="${ascii}"; filename*=UTF-8''${encoded}`;
}
