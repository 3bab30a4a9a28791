/** Decodes a tracker's bencoded reply (BEP 3, BEP 7, BEP 23, BEP 31). */

import { Address, type Family, readWord } from "../model/address.ts";
import { parseAddress } from "../model/address-text.ts";
import { COMPACT_BYTES } from "../model/announce.ts";
import { type BencodeValue, integerOf, readDictionary, readValue, visitList } from "./bencode-reader.ts";
import { type FailureKind, PEERS_LIMIT, type TrackerReply } from "./outcome.ts";

const TEXT_LIMIT = 512;
const TRACKER_ID_LIMIT = 256;
const INT32_MAX = 0x7fffffff;
const SECONDS_A_MINUTE = 60;
/** A dictionary is a reply to an announce if it has one of these keys. */
const MARKS = ["failure reason", "interval", "peers", "peers6"];
const NO_PEERS = new Uint8Array(0);

/** Parses the body of an HTTP reply. Never throws. @returns the reply, or the kind of failure. */
export function parseReply(bytes: Uint8Array): TrackerReply | FailureKind {
  const whole = readValue(bytes, 0, bytes.length);
  if (whole === undefined || !isBlank(bytes, whole.next)) return "not bencode";
  if (whole.kind !== "dictionary") return "not an announce";
  const values = readDictionary(bytes, whole);
  if (!MARKS.some((key) => values.has(key))) return "not an announce";
  const peers = new PeerCollector();
  if (!peers.addValue(bytes, values.get("peers"), 4) || !peers.addValue(bytes, values.get("peers6"), 6)) {
    return "not an announce";
  }
  const failureReason = textOf(bytes, values.get("failure reason"));
  const id = values.get("tracker id");
  return {
    interval: count(bytes, values.get("interval")),
    minInterval: count(bytes, values.get("min interval")),
    complete: count(bytes, values.get("complete")),
    incomplete: count(bytes, values.get("incomplete")),
    peers: peers.bytes(4),
    peers6: peers.bytes(6),
    failureReason,
    warningMessage: textOf(bytes, values.get("warning message")),
    trackerId: isTrackerId(id) ? bytes.slice(id.start, id.end) : undefined,
    externalAddress: externalAddress(bytes, values.get("external ip")),
    retryIn: failureReason === undefined ? undefined : retryIn(bytes, values.get("retry in")),
  };
}

/** Collects peers in compact form by family, without those on port 0, at most {@link PEERS_LIMIT} per family. */
export class PeerCollector {
  readonly #bytes = { 4: NO_PEERS, 6: NO_PEERS };
  readonly #used = { 4: 0, 6: 0 };

  /** Adds peers in compact form. @returns whether their length is a multiple of the record size. */
  addCompact(peers: Uint8Array, family: Family): boolean {
    const size = COMPACT_BYTES[family];
    for (let at = 0; at + size <= peers.length; at += size) {
      const port = (peers[at + size - 2] << 8) | peers[at + size - 1];
      if (port !== 0) this.#room(family, peers.length)?.set(peers.subarray(at, at + size));
    }
    return peers.length % size === 0;
  }

  /**
   * Adds a bencoded list of peers: compact, or dictionaries (BEP 3). @returns false if it is neither; true if missing.
   */
  addValue(bytes: Uint8Array, value: BencodeValue | undefined, family: Family): boolean {
    if (value === undefined) return true;
    if (value.kind === "string") return this.addCompact(bytes.subarray(value.start, value.end), family);
    if (value.kind !== "list") return false;
    let left = PEERS_LIMIT;
    visitList(bytes, value, (peer) => {
      if (peer.kind === "dictionary") this.#addDictionary(readDictionary(bytes, peer, 8), bytes);
      return --left > 0;
    });
    return true;
  }

  /** The collected peers. */
  bytes(family: Family): Uint8Array {
    return this.#bytes[family].subarray(0, this.#used[family]);
  }

  #addDictionary(peer: Map<string, BencodeValue>, bytes: Uint8Array): void {
    const port = integerOf(bytes, peer.get("port")) ?? 0;
    const ip = peer.get("ip");
    if (!(port > 0 && port <= 0xffff) || ip?.kind !== "string" || ip.end - ip.start > 45) return;
    let address: Address;
    try {
      address = parseAddress(latin1(bytes, ip));
    } catch {
      return; // perhaps a name: names are not resolved
    }
    const size = COMPACT_BYTES[address.family];
    const room = this.#room(address.family, PEERS_LIMIT * size);
    if (room === undefined) return;
    const whole = new Uint8Array(16);
    address.writeBytes(whole, 0);
    room.set(whole.subarray(18 - size));
    room[size - 2] = port >>> 8;
    room[size - 1] = port & 0xff;
  }

  /** Room for one more peer, or undefined at the limit. @param expected total bytes that will be added. */
  #room(family: Family, expected: number): Uint8Array | undefined {
    const size = COMPACT_BYTES[family];
    const start = this.#used[family];
    if (start === PEERS_LIMIT * size) return undefined;
    if (start + size > this.#bytes[family].length) {
      const grown = new Uint8Array(Math.min(start + Math.max(expected, size), PEERS_LIMIT * size));
      grown.set(this.#bytes[family].subarray(0, start));
      this.#bytes[family] = grown;
    }
    this.#used[family] = start + size;
    return this.#bytes[family].subarray(start, start + size);
  }
}

/** Decodes UTF-8 leniently, truncates it, and replaces characters that could forge log lines or control a terminal. */
export function printable(bytes: Uint8Array): string {
  const text = new TextDecoder().decode(bytes.subarray(0, TEXT_LIMIT * 4));
  // Cc, Cf: control and format characters; Zl, Zp: line and paragraph separators; Cs: lone surrogates.
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, " ").slice(0, TEXT_LIMIT);
}

function textOf(bytes: Uint8Array, value: BencodeValue | undefined): string | undefined {
  return value?.kind === "string" ? printable(bytes.subarray(value.start, value.end)) : undefined;
}

/** An integer from 0 to 2^31 - 1, or undefined. */
function count(bytes: Uint8Array, value: BencodeValue | undefined): number | undefined {
  const number = integerOf(bytes, value);
  return number !== undefined && number >= 0 && number <= INT32_MAX ? number : undefined;
}

/** BEP 31 `retry in`: "never", or minutes, as an integer or as digits. @returns seconds. */
function retryIn(bytes: Uint8Array, value: BencodeValue | undefined): number | undefined {
  if (value === undefined || (value.kind !== "string" && value.kind !== "integer")) return undefined;
  if (value.end - value.start > 10) return undefined;
  const text = latin1(bytes, value);
  if (text === "never") return Number.POSITIVE_INFINITY;
  return /^\d+$/.test(text) ? Number(text) * SECONDS_A_MINUTE : undefined;
}

/** BEP 24 `external ip`: an address in network order. */
function externalAddress(bytes: Uint8Array, value: BencodeValue | undefined): Address | undefined {
  if (value?.kind !== "string") return undefined;
  const { start, end } = value;
  const address = new Address();
  if (end - start === 4) address.setIPv4(readWord(bytes, start));
  else if (end - start === 16) address.setBytes(bytes, start);
  else return undefined;
  return address;
}

function isTrackerId(value: BencodeValue | undefined): value is BencodeValue {
  return value?.kind === "string" && value.end - value.start <= TRACKER_ID_LIMIT;
}

function latin1(bytes: Uint8Array, { start, end }: BencodeValue): string {
  return String.fromCharCode(...bytes.subarray(start, end));
}

/** Whether only white space follows, which some trackers append. */
function isBlank(bytes: Uint8Array, start: number): boolean {
  return (
    bytes.subarray(start, start + 8).every((byte) => byte === 0x0a || byte === 0x0d || byte === 0x20) &&
    bytes.length - start <= 8
  );
}
