/** Special-purpose addresses (the registry is RFC 6890). */
import type { Address } from "../model/address.ts";

/**
 * Whether an address is reachable only locally, so that it is useless as a peer elsewhere:
 * - 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16: private use (RFC 1918)
 * - 100.64.0.0/10: between subscribers and carrier-grade NAT (RFC 6598)
 * - 127.0.0.0/8, ::1: loopback (RFC 1122 3.2.1.3, RFC 4291 2.5.3)
 * - 169.254.0.0/16, fe80::/10: link-local (RFC 3927, RFC 4291 2.5.6)
 * - fc00::/7: unique local (RFC 4193)
 */
export function isPrivate(address: Address): boolean {
  const { words } = address;
  const first = words[0];
  if (address.family === 4) {
    const octet = first >>> 24;
    return (
      octet === 10 ||
      octet === 127 ||
      first >>> 22 === (100 << 2) + 1 ||
      first >>> 20 === 0xac1 ||
      first >>> 16 === 0xc0a8 ||
      first >>> 16 === 0xa9fe
    );
  }
  if (first === 0) return words[1] === 0 && words[2] === 0 && words[3] === 1;
  return first >>> 25 === 0xfc >>> 1 || first >>> 22 === 0xfe80 >>> 6;
}

/**
 * Whether an address cannot belong to any host, so that it is never stored or returned as a peer:
 * - 0.0.0.0/8: "this network" (RFC 1122 3.2.1.3); ::, unspecified (RFC 4291 2.5.2)
 * - 224.0.0.0/4, ff00::/8: multicast (RFC 5771, RFC 4291 2.7)
 * - 240.0.0.0/4: reserved (RFC 1112 4), and in it 255.255.255.255, broadcast (RFC 919)
 */
export function isUnusable(address: Address): boolean {
  const { words } = address;
  const octet = words[0] >>> 24;
  if (address.family === 4) return octet === 0 || octet >= 224;
  return octet === 0xff || (words[0] | words[1] | words[2] | words[3]) === 0;
}

/**
 * The port that libtorrent announces behind a proxy, where it cannot accept connections, since trackers refuse port 0.
 */
const PLACEHOLDER_PORT = 1;

/**
 * Whether a peer can have this address and port. False if the address {@link isUnusable}, and for port 0 and the
 * placeholder port 1.
 */
export function canBePeer(address: Address, port: number): boolean {
  return port > PLACEHOLDER_PORT && !isUnusable(address);
}

/**
 * Whether an address is not a global unicast address, so that a connection to it would be local or meaningless. Besides
 * those of {@link isPrivate} and {@link isUnusable}:
 * - 192.0.0.0/24: protocol assignments (RFC 6890 2.1); 192.88.99.0/24: once 6to4 relays (RFC 7526)
 * - 198.18.0.0/15: benchmarks (RFC 2544)
 * - all of IPv6 outside of 2000::/3, the only allocated part; this includes IPv4-compatible, NAT64 (64:ff9b::/96, which
 *   may map any IPv4 address) and site-local addresses
 * - 2001::/23: protocol assignments, in it Teredo (RFC 4380) and benchmarks; 2002::/16: 6to4 (RFC 3056). Teredo and 6to4
 *   contain an arbitrary IPv4 address.
 *
 * Documentation prefixes are not included: no host uses them.
 */
export function isSpecialPurpose(address: Address): boolean {
  if (isPrivate(address) || isUnusable(address)) return true;
  const first = address.words[0];
  if (address.family === 4) {
    return first >>> 8 === 0xc00000 || first >>> 8 === 0xc05863 || first >>> 17 === 0xc612 >>> 1;
  }
  return first >>> 29 !== 1 || first >>> 9 === 0x20010000 >>> 9 || first >>> 16 === 0x2002;
}
