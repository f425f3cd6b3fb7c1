import { networkInterfaces } from 'node:os';
import ipaddr from 'ipaddr.js';

/** The one range that IPv6 gives out to hosts on the internet (RFC 4291, 2.4); all else is special. */
const globalUnicast = ipaddr.IPv6.parse('2000::');
const GLOBAL_UNICAST_BITS = 3;

/** The third quarter of an address in which ISATAP (RFC 5214, 6.1) hides an IPv4 address in the fourth. */
const isatapMarks: ReadonlySet<number> = new Set([0x0000_5efe, 0x0200_5efe]);

/**
 * Whether an address belongs to some host on the internet: public unicast, not one of this host's own, and not a form
 * of IPv6 in which another address is hidden (mapped, compatible, NAT64, 6to4, Teredo, ISATAP).
 *
 * Ranges are those of the IANA registries of special addresses, as `ipaddr.js` knows them.
 */
export function isPublicAddress(address: string): boolean {
  if (!ipaddr.isValid(address) || address.includes('%')) return false;
  const parsed = ipaddr.parse(address);
  if (parsed.range() !== 'unicast') return false;
  if (parsed instanceof ipaddr.IPv6) {
    const [, , , , high = 0, low = 0] = parsed.parts;
    if (!parsed.match(globalUnicast, GLOBAL_UNICAST_BITS)) return false;
    if (isatapMarks.has(high * 0x1_0000 + low)) return false;
  }
  return !isOwnAddress(parsed.toString());
}

/** A host on the internet reaches itself by its public address too, past whatever guards it from outside. */
function isOwnAddress(address: string): boolean {
  return Object.values(networkInterfaces())
    .flatMap((entries) => entries ?? [])
    .some((entry) => ipaddr.isValid(entry.address) && ipaddr.parse(entry.address).toString() === address);
}
