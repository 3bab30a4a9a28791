/** Recognizes the keys of an HTTP announce (BEP 3, 7, 23). */
import { ascii, equalsBytes } from "./ascii.ts";
import type { QueryWalk } from "./query.ts";

/** The known keys. All others are ignored. */
export const KEY = {
  unknown: 0,
  infoHash: 1,
  peerId: 2,
  port: 3,
  left: 4,
  numWant: 5,
  event: 6,
  compact: 7,
  ip: 8,
  ipv4: 9,
  ipv6: 10,
  downloaded: 11,
  uploaded: 12,
  clientKey: 13,
  /** There is no further key. */
  none: 14,
} as const;
export type AnnounceKey = (typeof KEY)[keyof typeof KEY];

const INFO_HASH = ascii("info_hash");
const PEER_ID = ascii("peer_id");
const PORT = ascii("port");
const LEFT = ascii("left");
const NUM_WANT = ascii("numwant");
const DOWNLOADED = ascii("downloaded");
const UPLOADED = ascii("uploaded");
const CLIENT_KEY = ascii("key");
const EVENT = ascii("event");
const COMPACT = ascii("compact");
const IP = ascii("ip");
const IPV4 = ascii("ipv4");
const IPV6 = ascii("ipv6");

/** The text of each known key, by its number. The first one stands for all others, and is never expected. */
const TEXTS = [
  ascii("?"),
  ...[INFO_HASH, PEER_ID, PORT, LEFT, NUM_WANT, EVENT, COMPACT, IP, IPV4, IPV6, DOWNLOADED, UPLOADED],
  CLIENT_KEY,
];

/**
 * Goes through the keys of queries. Clients send their keys in an order of their own, and most begin alike. So the key
 * that followed last time is tried first, which takes one comparison.
 */
export class AnnounceKeys {
  /** The key that last followed each key. */
  readonly #followers = new Array<AnnounceKey>(KEY.none + 1).fill(KEY.infoHash);

  /** Moves to the first key, and returns it. */
  first(walk: QueryWalk, bytes: Uint8Array): AnnounceKey {
    return this.next(KEY.none, walk, bytes);
  }

  /** Moves to the key after `key`, and returns it. */
  next(key: AnnounceKey, walk: QueryWalk, bytes: Uint8Array): AnnounceKey {
    const expected = this.#followers[key];
    if (walk.takeKey(bytes, TEXTS[expected])) return expected;
    if (!walk.next(bytes)) return KEY.none;
    const found = keyOf(bytes, walk.keyStart, walk.keyEnd);
    if (found !== KEY.unknown) this.#followers[key] = found;
    return found;
  }
}

/** The key in `[start, end)`. */
function keyOf(bytes: Uint8Array, start: number, end: number): AnnounceKey {
  switch (end - start) {
    case 2:
      return equalsBytes(bytes, start, end, IP) ? KEY.ip : KEY.unknown;
    case 3:
      return equalsBytes(bytes, start, end, CLIENT_KEY) ? KEY.clientKey : KEY.unknown;
    case 4:
      if (equalsBytes(bytes, start, end, PORT)) return KEY.port;
      if (equalsBytes(bytes, start, end, LEFT)) return KEY.left;
      if (equalsBytes(bytes, start, end, IPV4)) return KEY.ipv4;
      return equalsBytes(bytes, start, end, IPV6) ? KEY.ipv6 : KEY.unknown;
    case 5:
      return equalsBytes(bytes, start, end, EVENT) ? KEY.event : KEY.unknown;
    case 7:
      if (equalsBytes(bytes, start, end, PEER_ID)) return KEY.peerId;
      if (equalsBytes(bytes, start, end, NUM_WANT)) return KEY.numWant;
      return equalsBytes(bytes, start, end, COMPACT) ? KEY.compact : KEY.unknown;
    case 8:
      return equalsBytes(bytes, start, end, UPLOADED) ? KEY.uploaded : KEY.unknown;
    case 9:
      return equalsBytes(bytes, start, end, INFO_HASH) ? KEY.infoHash : KEY.unknown;
    case 10:
      return equalsBytes(bytes, start, end, DOWNLOADED) ? KEY.downloaded : KEY.unknown;
    default:
      return KEY.unknown;
  }
}
