/** Encodes the reply to an HTTP announce (BEP 3, 7, 23, 24). */
import { Address, readWord, writeWord } from "../model/address.ts";
import { type AnnounceResponse, COMPACT_BYTES } from "../model/announce.ts";
import { ADDRESS_TEXT_BYTES, formatAddress } from "./address-bytes.ts";
import { ascii, writeBytes } from "./ascii.ts";
import { writeByteString, writeInteger } from "./bencode.ts";
import { beginReply, type Connection, endReply } from "./http-reply.ts";

// Keys in sorted order, with the preceding delimiters.
const COMPLETE = ascii("d8:complete");
const EXTERNAL_IPV4 = ascii("11:external ip4:");
const EXTERNAL_IPV6 = ascii("11:external ip16:");
const INCOMPLETE = ascii("10:incomplete");
const INTERVAL = ascii("8:interval");
const MIN_INTERVAL = ascii("12:min interval");
const PEERS = ascii("5:peers");
const PEERS6 = ascii("6:peers6");
const LIST = ascii("l");
const PEER_IP = ascii("d2:ip");
const PEER_PORT = ascii("4:port");
const END = ascii("e");
const NOTHING = new Uint8Array(0);

/** Cached views of the first items of an array. Each view is created when it is first needed. */
class Prefixes {
  readonly #bytes: Uint8Array;
  readonly #itemBytes: number;
  readonly #views: (Uint8Array | undefined)[];

  constructor(bytes: Uint8Array, itemBytes: number) {
    this.#bytes = bytes;
    this.#itemBytes = itemBytes;
    this.#views = new Array(bytes.length / itemBytes + 1).fill(undefined);
  }

  first(count: number): Uint8Array {
    let view = this.#views[count];
    if (view === undefined) {
      view = this.#bytes.subarray(0, count * this.#itemBytes);
      this.#views[count] = view;
    }
    return view;
  }
}

const peer = new Address();
const peerText = new Uint8Array(ADDRESS_TEXT_BYTES);
const peerTexts = new Prefixes(peerText, 1);

/** Encodes one response object repeatedly. */
export class AnnounceEncoder {
  readonly #response: AnnounceResponse;
  readonly #peers: Prefixes;
  readonly #peers6: Prefixes;

  constructor(response: AnnounceResponse) {
    this.#response = response;
    this.#peers = new Prefixes(response.peers, COMPACT_BYTES[4]);
    this.#peers6 = new Prefixes(response.peers6, COMPACT_BYTES[6]);
  }

  /**
   * Writes a complete reply at `offset`.
   * @param client the client's address, which is included (BEP 24).
   * @param compact whether peers are written as `peers` and `peers6` in compact form. Otherwise `peers` is a list of
   *   dictionaries of both families, without `peer id`, which the tracker does not store.
   * @param more further bencoded keys and values, which sort after `peers6`.
   * @returns the end of the reply.
   * Six parameters: an object for each call would be garbage.
   */
  encode(
    bytes: Uint8Array,
    offset: number,
    client: Address,
    compact: boolean,
    connection: Connection,
    more: Uint8Array = NOTHING,
  ): number {
    const response = this.#response;
    let at = writeBytes(bytes, beginReply(bytes, offset, connection), COMPLETE);
    at = writeInteger(bytes, at, response.complete);
    at = writeExternalIp(bytes, at, client);
    at = writeBytes(bytes, at, INCOMPLETE);
    at = writeInteger(bytes, at, response.incomplete);
    at = writeBytes(bytes, at, INTERVAL);
    at = writeInteger(bytes, at, response.interval);
    at = writeBytes(bytes, at, MIN_INTERVAL);
    at = writeInteger(bytes, at, response.minInterval);
    at = writeBytes(bytes, at, PEERS);
    at = compact ? this.#writeCompactPeers(bytes, at) : writePeerList(bytes, at, response);
    at = writeBytes(bytes, at, more);
    return endReply(bytes, offset, connection, writeBytes(bytes, at, END));
  }

  /** `peers` is always present, as clients expect; `peers6` only if it is not empty. */
  #writeCompactPeers(bytes: Uint8Array, offset: number): number {
    const { peerCount, peer6Count } = this.#response;
    const at = writeByteString(bytes, offset, this.#peers.first(peerCount));
    if (peer6Count === 0) return at;
    return writeByteString(bytes, writeBytes(bytes, at, PEERS6), this.#peers6.first(peer6Count));
  }
}

function writeExternalIp(bytes: Uint8Array, offset: number, client: Address): number {
  if (client.family === 4) {
    const at = writeBytes(bytes, offset, EXTERNAL_IPV4);
    writeWord(bytes, at, client.words[0]);
    return at + 4;
  }
  const at = writeBytes(bytes, offset, EXTERNAL_IPV6);
  client.writeBytes(bytes, at);
  return at + 16;
}

function writePeerList(bytes: Uint8Array, offset: number, response: AnnounceResponse): number {
  const { peers, peers6 } = response;
  let at = writeBytes(bytes, offset, LIST);
  for (let i = 0; i < response.peerCount; i++) {
    const from = i * COMPACT_BYTES[4];
    peer.setIPv4(readWord(peers, from));
    at = writePeer(bytes, at, (peers[from + 4] << 8) | peers[from + 5]);
  }
  for (let i = 0; i < response.peer6Count; i++) {
    const from = i * COMPACT_BYTES[6];
    peer.setBytes(peers6, from);
    at = writePeer(bytes, at, (peers6[from + 16] << 8) | peers6[from + 17]);
  }
  return writeBytes(bytes, at, END);
}

/** Writes {@link peer} as a dictionary. */
function writePeer(bytes: Uint8Array, offset: number, port: number): number {
  let at = writeBytes(bytes, offset, PEER_IP);
  at = writeByteString(bytes, at, peerTexts.first(formatAddress(peerText, 0, peer)));
  at = writeBytes(bytes, at, PEER_PORT);
  at = writeInteger(bytes, at, port);
  return writeBytes(bytes, at, END);
}
