/**
 * Parses the text form in which `node:net` reports the remote address of a connection (RFC 4291 2.2, RFC 4007 11.2).
 */

const COLON = 0x3a;
const DOT = 0x2e;
const PERCENT = 0x25;

/**
 * Writes an address as 16 bytes in network order, IPv4 as `::ffff:a.b.c.d`. A zone (`fe80::1%eth0`) is left out: it
 * names an interface of this machine, not the peer.
 * @param text a valid IPv4 or IPv6 address, as the operating system wrote it.
 * @param bytes at least 16 long; the first 16 are overwritten.
 */
export function writePeerAddress(text: string, bytes: Uint8Array): void {
  bytes.fill(0, 0, 16);
  if (!text.includes(":")) {
    bytes[10] = 0xff;
    bytes[11] = 0xff;
    writeIPv4(text, 0, bytes, 12);
    return;
  }
  let offset = 0;
  let gap = -1;
  let at = 0;
  while (at < text.length && text.charCodeAt(at) !== PERCENT) {
    if (text.charCodeAt(at) === COLON) {
      at++;
      if (text.charCodeAt(at) === COLON) {
        gap = offset;
        at++;
      }
      continue;
    }
    const start = at;
    let word = 0;
    for (let digit = hexDigit(text, at); digit >= 0; digit = hexDigit(text, ++at)) word = word * 16 + digit;
    if (text.charCodeAt(at) === DOT) {
      writeIPv4(text, start, bytes, offset);
      offset += 4;
      break;
    }
    bytes[offset++] = word >>> 8;
    bytes[offset++] = word;
  }
  if (gap >= 0 && offset < 16) {
    bytes.copyWithin(16 - (offset - gap), gap, offset);
    bytes.fill(0, gap, 16 - (offset - gap));
  }
}

/**
 * Writes the dotted quad at `text[at]` to `bytes[offset]`. It ends at the first character that is neither digit nor
 * dot.
 */
function writeIPv4(text: string, at: number, bytes: Uint8Array, offset: number): void {
  let value = 0;
  for (; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === DOT) {
      bytes[offset++] = value;
      value = 0;
    } else if (code >= 0x30 && code <= 0x39) {
      value = value * 10 + code - 0x30;
    } else {
      break;
    }
  }
  bytes[offset] = value;
}

/** The value of the hexadecimal digit at `text[at]`, or -1. */
function hexDigit(text: string, at: number): number {
  const code = text.charCodeAt(at);
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const letter = code | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}
