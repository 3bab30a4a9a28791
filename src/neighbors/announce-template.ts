/** `announce_request` of a neighbor: what it is sent, with placeholders. */
import type { OutgoingAnnounce, UdpFields } from "../client/outgoing-announce.ts";
import { ANNOUNCE_EVENT, type AnnounceEvent, NUM_WANT_DEFAULT } from "../model/announce.ts";

/** What we call ourselves when we ask. */
export interface PollIdentity {
  /** 20 characters, each a byte. */
  readonly peerId: string;
  readonly port: number;
  readonly numWant: number;
  /** An address in text, or empty when we do not know ours. */
  readonly ip: string;
}

/** What a udp neighbor is told if the template does not say: as the manual's template has it. */
const DEFAULT_LEFT = 4_194_304;

const EVENTS: Readonly<Record<string, AnnounceEvent>> = {
  started: ANNOUNCE_EVENT.started,
  completed: ANNOUNCE_EVENT.completed,
  stopped: ANNOUNCE_EVENT.stopped,
  paused: ANNOUNCE_EVENT.paused,
};

const UNRESERVED = /^[A-Za-z0-9._~-]$/;

/** A byte as it is written in a query (RFC 3986 2.3). */
const ESCAPED = Array.from({ length: 256 }, (_, byte) => {
  const character = String.fromCharCode(byte);
  return UNRESERVED.test(character) ? character : `%${byte.toString(16).padStart(2, "0").toUpperCase()}`;
});

/** A template, made ready to be filled in. */
export class AnnounceTemplate {
  /** Text and placeholders by turns: text is at even places. */
  readonly #pieces: readonly string[];
  readonly #isUdp: boolean;
  /** What the values of a udp announce are, beside those that are filled in: one for all. */
  readonly #key: number;

  /** @param key of announces over UDP (BEP 15): the same for as long as we run. */
  constructor(template: string, key: number) {
    this.#pieces = template.split(/\{([a-z_]+)\}/);
    this.#isUdp = /^udp:/i.test(template);
    this.#key = key;
  }

  /** Fills it in. @param infoHash 20 bytes. */
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

  /** The fields of a udp announce: as the query says, if there is one. */
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

/** A URL as a template makes them, for what is the same in all of them: scheme, host and port. */
export function exampleUrl(template: string): string {
  return template.replaceAll(/\{[a-z_]+\}/g, "0");
}

/** The peer_id that a template names itself, 20 characters, each a byte; undefined when it leaves that to us. */
export function literalPeerId(template: string): string | undefined {
  const peerId = queryOf(template).get("peer_id");
  return peerId !== undefined && peerId.length === 20 && !peerId.includes("{") ? peerId : undefined;
}

/** Keys and values of a query, one character a byte. Of a key that is repeated the last value counts. */
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
