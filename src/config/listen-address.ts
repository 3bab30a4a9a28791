/** Parses addresses to listen on. */
import { isIPv4, isIPv6 } from "node:net";
import type { ListenAddress } from "../engine/engine.ts";

/**
 * Parses `ADDRESS:PORT`, IPv6 in brackets (RFC 3986 3.2.2). Port 0 selects any free port.
 * @throws Error that describes the mistake and shows the right form.
 */
export function parseListenAddress(text: string): ListenAddress {
  const [, bracketed, plain, portText] = /^(?:\[(.*)\]|([^:]*)):(\d{1,5})$/.exec(text) ?? [];
  const port = Number(portText);
  if (portText === undefined || port > 65535) {
    if (hasWrongPort(text))
      throw new Error(`${JSON.stringify(text)}: the port must be a number from 0 to 65535`);
    throw new Error(`${JSON.stringify(text)} is not ADDRESS:PORT; write ${likelyForm(text)}`);
  }
  if (bracketed !== undefined ? !isIPv6(bracketed) : !isIPv4(plain)) {
    const wrong = (bracketed ?? plain) || text;
    throw new Error(
      `${JSON.stringify(wrong)} ${wrong === text ? "has no IP address" : "is not an IP address"}; use "[::]:${port}" for all addresses, ` +
        `"0.0.0.0:${port}" for all IPv4 addresses, "127.0.0.1:${port}" for this machine only`,
    );
  }
  return { host: bracketed ?? plain, port };
}

/** Whether text has a port that does not exist. */
function hasWrongPort(text: string): boolean {
  return /^(\[[^\]]*\]|[^:]*):-?\d+$/.test(text);
}

/** A suggestion for text that is not `ADDRESS:PORT`. */
function likelyForm(text: string): string {
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65535) return `"[::]:${text}"`;
  const [, inUrl] = /^\w+:\/\/([^/]+:\d+)\/?/.exec(text) ?? [];
  if (inUrl !== undefined) return JSON.stringify(inUrl);
  const [, address, port] = /^([0-9a-f:]*:[0-9a-f:]*):(\d{4,5})$/i.exec(text) ?? [];
  if (address !== undefined && isIPv6(address)) return `"[${address}]:${port}"`;
  if (isIPv4(text)) return `"${text}:6969"`;
  if (isIPv6(text)) return `"[${text}]:6969"`;
  return '"[::]:6969" or "127.0.0.1:6969"';
}
