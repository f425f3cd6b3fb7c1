import { createHmac, timingSafeEqual } from 'node:crypto';

/** The query of a signed link, as it came in. */
export interface LinkQuery {
  readonly expires: string;
  readonly filename: string;
  readonly signature: string;
}

/**
 * Links by which anyone who has them can read one object until they expire, without a session: the key, the expiry and
 * the file name are under an HMAC (RFC 2104, SHA-256).
 */
export class SignedLinks {
  /** @param baseUrl asked each time, as the port may be known only after the server has started */
  constructor(
    private readonly secret: Buffer,
    private readonly baseUrl: () => string,
  ) {}

  /** @param expiresAtMs Unix time in milliseconds */
  sign(key: string, expiresAtMs: number, filename: string): string {
    const expires = String(Math.floor(expiresAtMs));
    const query = new URLSearchParams({
      expires,
      filename,
      signature: this.signature(key, expires, filename).toString('base64url'),
    });
    return `${this.baseUrl().replace(/\/+$/, '')}/api/media/${key}?${query.toString()}`;
  }

  /** Whether the link was made here for this key and has not expired. Takes the same time for every wrong signature. */
  verify(key: string, query: LinkQuery, now: number = Date.now()): boolean {
    const given = Buffer.from(query.signature, 'base64url');
    const right = this.signature(key, query.expires, query.filename);
    return given.length === right.length && timingSafeEqual(given, right) && Number(query.expires) > now;
  }

  private signature(key: string, expires: string, filename: string): Buffer {
    // JSON keeps the three apart: joined by a separator, two different links could share one signature.
    return createHmac('sha256', this.secret)
      .update(JSON.stringify([key, expires, filename]))
      .digest();
  }
}
