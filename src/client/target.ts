/** Parses URLs strictly: URLs that other programs might parse differently are refused. */
import type { Address } from "../model/address.ts";
import { formatAddress, formatHostPort, parseAddress } from "../model/address-text.ts";
import type { FailureKind } from "./outcome.ts";

/** A parsed URL. */
export interface Target {
  readonly protocol: "http:" | "https:" | "udp:";
  /** In lower case; an IPv6 address without its brackets. */
  readonly host: string;
  /** The address if `host` is one; undefined if it is a name. */
  readonly address: Address | undefined;
  readonly port: number;
  /** Path and query from the slash on, one character per byte. */
  readonly path: string;
}

/** Limit of a URL in bytes. */
const URL_LIMIT = 8192;
const INFO_HASH_BYTES = 20;
/** Characters allowed after the host: bytes beyond ASCII, but no white space, control characters or fragment. */
const PATH = /^[\x21\x22\x24-\x7e\x80-\xff]*$/;
const PARTS = /^(https?|udp):\/\/(\[[0-9a-f:.]{2,45}\]|[^[\]:/?@]{1,253})(?::([1-9]\d{0,4}))?([/?].*)?$/is;
const LABEL = /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/;
/** A last label with which browsers and libc parse the host as an IPv4 address: decimal, octal or hexadecimal. */
const NUMBER = /^(\d+|0x[0-9a-f]*)$/;
const DEFAULT_PORTS = { "http:": 80, "https:": 443, "udp:": 0 } as const;

/**
 * Parses a URL.
 * @param refuseLowPorts refuse ports below 1024, other than 80 and 443.
 * @returns the target, or the kind of failure.
 */
export function parseTarget(url: string, refuseLowPorts: boolean): Target | FailureKind {
  const parts = url.length <= URL_LIMIT ? PARTS.exec(url) : null;
  if (parts === null) return "url";
  const [, scheme, writtenHost, writtenPort, rest = ""] = parts;
  const protocol = `${scheme.toLowerCase()}:` as Target["protocol"];
  const host = readHost(writtenHost.toLowerCase());
  const path = rest.startsWith("/") ? rest : `/${rest}`;
  const port = Number(writtenPort ?? DEFAULT_PORTS[protocol]);
  if (host === undefined || !PATH.test(path) || port === 0 || port > 0xffff) return "url";
  if (refuseLowPorts && port < 1024 && port !== 80 && port !== 443) return "port";
  return { protocol, ...host, port, path };
}

/**
 * Resolves the location of a redirect (RFC 9110 10.2.2). The result is not validated.
 * @param location the header: a URL, or a path with or without a host.
 */
export function resolveLocation(from: Target, location: string): string {
  const [bare] = location.split("#", 1);
  if (/^[a-z][a-z0-9+.-]*:/i.test(bare)) return bare;
  if (bare.startsWith("//")) return from.protocol + bare;
  const origin = originOf(from);
  if (bare.startsWith("/")) return origin + bare;
  const [path] = from.path.split("?", 1);
  return origin + (bare.startsWith("?") ? path : path.slice(0, path.lastIndexOf("/") + 1)) + bare;
}

/** Whether a query has an announce's `info_hash` of 20 bytes and `port` (BEP 3). */
export function isAnnounce(path: string): boolean {
  const query = path.slice(path.indexOf("?"));
  const infoHash = /[?&]info_hash=([^&]*)/.exec(query)?.[1] ?? "";
  return infoHash.replace(/%[0-9a-f]{2}/gi, ".").length === INFO_HASH_BYTES && /[?&]port=\d/.test(query);
}

/** Scheme, host and port, for undici and the Host header. */
export function originOf(target: Target): string {
  return `${target.protocol}//${formatHostPort(target)}`;
}

function readHost(text: string): Pick<Target, "host" | "address"> | undefined {
  const bracketed = text.startsWith("[");
  if (bracketed || NUMBER.test(text.slice(text.lastIndexOf(".") + 1))) {
    try {
      const address = parseAddress(bracketed ? text.slice(1, -1) : text);
      return { host: formatAddress(address), address };
    } catch {
      return undefined;
    }
  }
  return text.split(".").every((label) => LABEL.test(label)) ? { host: text, address: undefined } : undefined;
}
