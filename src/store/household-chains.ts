/** The chains of a large list's hash table (large-list.ts) that the peers of one household are in. */
import type { Family } from "../model/address.ts";
import { hashHousehold } from "./household.ts";
import type { KeyedHash } from "./keyed-hash.ts";
import { ADDRESS_WORDS } from "./layout/peer.ts";

const CHAINS_BITS = 3;

/** Chains among which the peers of a household are distributed. A new peer is compared with all of them. */
export const CHAINS = 2 ** CHAINS_BITS;

/** Hashes the peers of one family. Hashes of one household differ in the lowest bits only, so that its chains are adjacent. */
export class HouseholdChains {
  readonly #hash: KeyedHash;
  readonly #family: Family;
  /** Odd and secret. Multiplied by it, the last word of the address and the port choose a chain. */
  readonly #factor: number;

  constructor(hash: KeyedHash, family: Family) {
    this.#hash = hash;
    this.#family = family;
    this.#factor = hash.hash(new Uint32Array(1), 0, 0, 0) | 1;
  }

  /**
   * The hash of the peer with the address at `words[at]`. The port only changes bits of the household's hash, because many
   * clients have the same port.
   */
  hashOf(words: Uint32Array, at: number, port: number): number {
    const host = words[at + ADDRESS_WORDS[this.#family] - 1];
    const chain = Math.imul(host ^ port, this.#factor) >>> (32 - CHAINS_BITS);
    return hashHousehold(this.#hash, this.#family, words, at) ^ chain;
  }

  /** The lowest of the {@link CHAINS} hashes that peers of the household with the address at `words[at]` can have. */
  firstHash(words: Uint32Array, at: number): number {
    return hashHousehold(this.#hash, this.#family, words, at) & ~(CHAINS - 1);
  }
}
