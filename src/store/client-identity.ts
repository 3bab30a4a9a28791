/**
 * The identity of a client: a keyed hash of its `peer_id`, its `key` and its port. It does not depend on the address, so
 * that it recognizes a client that has both IPv4 and IPv6, or that has moved to another address. A peer's record has
 * room for a few of its bits (layout/peer.ts).
 *
 * Two clients may have the same identity, by chance or on purpose. The only consequence is that one of them is not
 * counted.
 */
import { type AnnounceRequest, PEER_ID_WORDS } from "../model/announce.ts";
import type { KeyedHash } from "./keyed-hash.ts";
import { IDENTITY_BITS } from "./layout/key.ts";

/** Words of a peer_id after folding. Its first two words mostly name the program. */
const FOLDED_WORDS = PEER_ID_WORDS - 2;

/** Values of the two highest bits. The value 0 means that there is no identity. */
const HIGH_VALUES = 3;
const LOW_BITS = IDENTITY_BITS - 2;

/** Computes identities. One for each thread: it has scratch memory. */
export class ClientIdentities {
  readonly #hash: KeyedHash;
  readonly #words = new Uint32Array(FOLDED_WORDS);

  constructor(hash: KeyedHash) {
    this.#hash = hash;
  }

  /** The whole hash of the client that announces, or 0 if it has no `peer_id`. */
  hashOf({ peerId, clientKey, port }: AnnounceRequest): number {
    const words = this.#words;
    if ((peerId[0] | peerId[1] | peerId[2] | peerId[3] | peerId[4]) === 0) return 0;
    words[0] = peerId[0] ^ peerId[2];
    words[1] = peerId[1] ^ peerId[3];
    words[2] = peerId[4];
    return this.#hash.hash(words, 0, FOLDED_WORDS, clientKey ^ (port << 16));
  }
}

/** The identity of the client with this hash. It is 0 if the hash is 0. */
export function identityFrom(hash: number): number {
  if (hash === 0) return 0;
  const high = 1 + ((hash >>> LOW_BITS) % HIGH_VALUES);
  return (high << LOW_BITS) | (hash & ((1 << LOW_BITS) - 1));
}
