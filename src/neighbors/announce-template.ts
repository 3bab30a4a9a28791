/** The announce template of a neighbor: the setting `announce_request`, a URL with placeholders. */
import type { OutgoingAnnounce, UdpFields } from "../client/outgoing-announce.ts";
import { ANNOUNCE_EVENT, type AnnounceEvent, NUM_WANT_DEFAULT } from "../model/announce.ts";

/** The identity of this tracker in its announces to neighbors. */
export interface PollIdentity {
  /** 20 characters, one per byte. */
  readonly peerId: string;
  readonly port: number;
  readonly numWant: number;
  /** The address of this tracker as text, or empty when it is unknown. */
  readonly ip: string;
}

/** The value of `left` in UDP announces when the template has none: that of the manual's template. */
const DEFAULT_LEFT = 4_194_304;

const EVENTS: Readonly<Record<string, AnnounceEvent>> = {
  started: ANNOUNCE_EVENT.started,
  completed: ANNOUNCE_EVENT.completed,
  stopped: ANNOUNCE_EVENT.stopped,
  paused: ANNOUNCE_EVENT.paused,
};

const UNRESERVED = /^[A-Za-z0-9._~-]$/;

/** The form of every byte in a query (RFC 3986 2.3). */
const ESCAPED = Array.from({ length: 256 }, (_, byte) => {
  const character = String.fromCharCode(byte);
  return UNRESERVED.test(character) ? character : `%${byte.toString(16).padStart(2, "0").toUpperCase()}`;
});

/** A parsed template. */
export class AnnounceTemplate {
  /** Text at even indexes, names of placeholders at odd ones. */
  readonly #pieces: readonly string[];
  readonly #isUdp: boolean;
  /** The same in all UDP announces. */
  readonly #key: number;

  /** @param key the key of UDP announces (BEP 15); the same until the tracker restarts. */
  constructor(template: string, key: number) {
    this.#pieces = template.split(/\{([a-z_]+)\}/);
    this.#isUdp = /^udp:/i.test(template);
    this.#key = key;
  }

  /** Fills in the placeholders. @param infoHash 20 bytes. */
  fill(infoHash: Uint8Array, identity: PollIdentity): OutgoingAnnounce {
    const values: Readonly<Record<string, string>> = {
      info_hash: escapeBytes(infoHash),
      peer_id: escapeBytes(bytesOf(identity.peerId)),
      port: String(identity.port),
      numwant: String(identity.numWant),
      ip: identity.ip,
    };
    const url = this.#pieces.map((piece, i) => (i % 2 === 0 ? piece : values[piece])).join("");
    return this.#isUdp ? { url, udp: this.#udpFields(url, infoHash, identity) } : { url };
  }

  /** The fields of a UDP announce. Values in the query of the template take precedence. */
  #udpFields(url: string, infoHash: Uint8Array, identity: PollIdentity): UdpFields {
    const query = queryOf(url);
    const number = (key: string, otherwise: number) => {
      const text = query.get(key) ?? "";
      return /^-?\d{1,15}$/.test(text) ? Number(text) : otherwise;
    };
    const peerId = bytesOf(query.get("peer_id") ?? identity.peerId);
    return {
      infoHash,
      peerId: peerId.length === 20 ? peerId : bytesOf(identity.peerId),
      downloaded: number("downloaded", 0),
      left: number("left", DEFAULT_LEFT),
      uploaded: number("uploaded", 0),
      event: EVENTS[query.get("event") ?? ""] ?? ANNOUNCE_EVENT.none,
      key: this.#key,
      numWant: Math.max(NUM_WANT_DEFAULT, number("numwant", identity.numWant)),
      port: number("port", identity.port) & 0xffff,
      ip: 0,
    };
  }
}

/** An example URL of a template. Scheme, host and port are the same in all of its URLs. */
export function exampleUrl(template: string): string {
  return template.replaceAll(/\{[a-z_]+\}/g, "0");
}

/** The literal peer_id of a template, 20 characters, one per byte; undefined when the template has a placeholder or none. */
export function literalPeerId(template: string): string | undefined {
  const peerId = queryOf(template).get("peer_id");
  return peerId !== undefined && peerId.length === 20 && !peerId.includes("{") ? peerId : undefined;
}

/** The keys and values of a query, one character per byte. The last value of a repeated key counts. */
function queryOf(url: string): ReadonlyMap<string, string> {
  const start = url.indexOf("?");
  const pairs = start === -1 ? [] : url.slice(start + 1).split("&");
  return new Map(
    pairs.map((pair) => {
      const [key, ...value] = pair.split("=");
      return [key, unescapeBytes(value.join("="))];
    }),
  );
}

function unescapeBytes(text: string): string {
  return text.replaceAll(/%([0-9a-f]{2})/gi, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

function escapeBytes(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += ESCAPED[byte];
  return text;
}

function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
