/** Suggests prefixes for other notations of networks: ranges, netmasks, wildcards and shortened addresses. */
import { isIPv4 } from "node:net";
import { parsePrefix } from "../network/prefix.ts";

/** A range is suggested as prefixes if it needs no more of them. */
const SUGGESTED_LIMIT = 4;

const ADDRESS = String.raw`\d+\.\d+\.\d+\.\d+`;
const RANGE = new RegExp(`^(${ADDRESS}) *(?:-|\\.\\.|,|to) *(${ADDRESS})$`);
const WITH_MASK = new RegExp(`^(${ADDRESS})[ /]+(${ADDRESS})$`);

/** What text that is no prefix probably means; undefined if that is not known. */
export function likelyPrefixes(text: string): string | undefined {
  const [, first, last] = RANGE.exec(text) ?? [];
  if (first !== undefined) return prefixesOf(first, last) ?? "the range as prefixes, such as 192.0.2.0/24";
  const [, address, mask] = WITH_MASK.exec(text) ?? [];
  if (address !== undefined) return valid(`${address}/${maskLength(mask)}`);
  const stars = /^((?:\d+\.){1,3})\*(?:\.\*)*$/.exec(text)?.[1].split(".").slice(0, -1);
  if (stars !== undefined) return valid(`${padded(stars)}/${stars.length * 8}`);
  const [, short, length] = /^((?:\d+\.){0,2}\d+)\.?\/(\d+)$/.exec(text) ?? [];
  if (short !== undefined) return valid(`${padded(short.split("."))}/${length}`);
  const [, groups, bits] = /^([0-9a-f]+(?::[0-9a-f]+){0,6})\/(\d+)$/i.exec(text) ?? [];
  if (groups?.includes(":")) return valid(`${groups}::/${bits}`);
  // The end of a line of another program's list.
  return valid(text.replace(/[;,]+$/, ""));
}

function padded(octets: readonly string[]): string {
  return [...octets, "0", "0", "0"].slice(0, 4).join(".");
}

function valid(text: string): string | undefined {
  try {
    parsePrefix(text);
    return text;
  } catch {
    return undefined;
  }
}

/** The length of a netmask such as 255.255.0.0; -1 if it is none. */
function maskLength(mask: string): number {
  if (!isIPv4(mask)) return -1;
  const bits = toNumber(mask).toString(2).padStart(32, "0");
  return /^1*0*$/.test(bits) ? bits.lastIndexOf("1") + 1 : -1;
}

/** The prefixes of a range of IPv4 addresses; undefined if it is none, or has too many. */
function prefixesOf(first: string, last: string): string | undefined {
  if (!isIPv4(first) || !isIPv4(last)) return undefined;
  const end = toNumber(last);
  const found: string[] = [];
  for (let at = toNumber(first); at <= end && found.length <= SUGGESTED_LIMIT; ) {
    let size = 1;
    while (at % (size * 2) === 0 && at + size * 2 - 1 <= end) size *= 2;
    found.push(`${toText(at)}/${32 - Math.log2(size)}`);
    at += size;
  }
  return found.length === 0 || found.length > SUGGESTED_LIMIT ? undefined : found.join(", ");
}

function toNumber(address: string): number {
  return address.split(".").reduce((sum, octet) => sum * 256 + Number(octet), 0);
}

function toText(number: number): string {
  return [24, 16, 8, 0].map((shift) => (number >>> shift) & 0xff).join(".");
}
