/** Masks subscribers' addresses, so that a log shows their network only. */
import { isIPv4, isIPv6 } from "node:net";

/**
 * Masks an IP address in the form `ADDRESS`, `ADDRESS:PORT`, `[ADDRESS]` or `[ADDRESS]:PORT`. IPv4 keeps its /24
 * (`10.1.2.x`), IPv6 its /48 (`2001:db8:1::x`). A v4-mapped address is masked as IPv4. The port is kept.
 * @returns the text unchanged if it is not an address in these forms: names are not masked.
 */
export function maskAddress(text: string): string {
  if (isIPv4(text)) return maskIPv4(text);
  if (isIPv6(text)) return maskIPv6(text);
  const [, bracketed, plain, port = ""] = /^(?:\[([^\]]+)\]|([^:]+))(:\d+)?$/.exec(text) ?? [];
  if (bracketed !== undefined && isIPv6(bracketed)) return `[${maskIPv6(bracketed)}]${port}`;
  if (plain !== undefined && isIPv4(plain)) return `${maskIPv4(plain)}${port}`;
  return text;
}

function maskIPv4(address: string): string {
  return address.replace(/\d+$/, "x");
}

/** @param address a valid one, so that `::` can be expanded. */
function maskIPv6(address: string): string {
  const mapped = /^::ffff:([\d.]+)$/i.exec(address);
  if (mapped) return `::ffff:${maskIPv4(mapped[1])}`;
  const [head, tail = ""] = address.split("::");
  const first = wordsOf(head);
  const last = wordsOf(tail);
  const zeros = new Array<string>(Math.max(0, 8 - first.length - last.length)).fill("0");
  return `${[...first, ...zeros, ...last].slice(0, 3).join(":")}::x`;
}

/** The 16-bit words on one side of `::`; a dotted quad at the end counts as two. */
function wordsOf(side: string): string[] {
  return side === "" ? [] : side.replace(/[\d.]+\.\d+/, "0:0").split(":");
}
