/** Shape of a BCP-47 tag (RFC 5646) as far as speech engines use it: language, optional script, optional region. */
const tagPattern = /^[a-z]{2,3}(-[A-Za-z]{4})?(-([A-Za-z]{2}|\d{3}))?$/i;

/** The tag in the usual case (`pt-BR`), or undefined when it is not a language tag. */
export function normalizeLanguage(tag: string): string | undefined {
  if (!tagPattern.test(tag)) return undefined;
  return Intl.getCanonicalLocales(tag)[0];
}

/**
 * Whether an engine that declares `offered` serves a request for `wanted`. A bare language on either side covers all
 * regions; `*` covers everything.
 */
export function languageMatches(offered: string, wanted: string): boolean {
  if (offered === '*') return true;
  const a = offered.toLowerCase();
  const b = wanted.toLowerCase();
  return a === b || a.startsWith(`${b}-`) || b.startsWith(`${a}-`);
}
