/**
 * `Content-Disposition` (RFC 6266) that makes a browser save the object under this name: whole in `filename*` (RFC 8187),
 * and in ASCII for those that do not know it. Always an attachment: what a user uploaded is never shown as a page.
 */
export function attachmentNamed(filename: string): string {
  // A lone surrogate, which no encoder takes, becomes the replacement character.
  const wellFormed = Buffer.from(filename, 'utf8').toString('utf8');
  const ascii = wellFormed.replaceAll(/[^\x20-\x7e]|["\\%]/g, '_');
  const encoded = encodeURIComponent(wellFormed).replaceAll(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `attachment; filename="${ascii}"; filename*=UTF-8''${encoded}`;
}
