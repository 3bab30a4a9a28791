/**
 * The items that a swarm is to have (item-lists.ts), by hash: a scratch table, filled anew for each swarm. So a look compares
 * them with the items that the swarm has, without a search for the address of each: only what is new or gone costs that.
 */
import type { Family } from "../model/address.ts";
import { isComplete, keyOf } from "../store/layout/key.ts";
import { ADDRESS_WORDS } from "../store/layout/peer.ts";
import { ITEM } from "./item-lists.ts";
import { ROLE } from "./judge.ts";
import { COPY_WORDS, type SwarmRecords } from "./swarm-records.ts";

const NONE = -1;
const FIRST_CAPACITY = 4096;

/** Slots for each record: it has two items at most. */
const SLOTS_PER_RECORD = 4;

/** Stands for a closed endpoint of a complete copy in a digest, beside {@link ITEM}. */
const CLOSED_COPY = 5;

const FACTOR_A = 0x9e3779b1;
const FACTOR_B = 0x85ebca6b;

/** The items of one swarm at a time. Two of them with one hash, by chance, are taken for one: the other stays open. */
export class WantedItems {
  /** How many there are. */
  count = 0;
  /** Of each item: its hash; one of {@link ITEM}; the record that it is of; whether the swarm has it already. */
  hashes = new Int32Array(FIRST_CAPACITY);
  kinds = new Uint8Array(FIRST_CAPACITY);
  records = new Int32Array(FIRST_CAPACITY);
  present = new Uint8Array(FIRST_CAPACITY);
  /** Of each slot: an item, if its stamp is the present one. */
  #slots = new Int32Array(FIRST_CAPACITY);
  #stamps = new Int32Array(FIRST_CAPACITY);
  #stamp = 0;
  #mask = FIRST_CAPACITY - 1;
  /** Clients cannot know it. So they cannot choose endpoints with one hash. */
  readonly #seed: number;

  constructor(seed: number) {
    this.#seed = seed;
  }

  /**
   * A number that stands for the items which a swarm is to have, in any order: most looks find nothing new. Not 0. Nothing is
   * filled. The parameters are those of {@link fill}.
   */
  digestOf(records: SwarmRecords, roles: Uint8Array, withFar: boolean): number {
    let digest = this.#seed;
    for (let i = 0; i < records.count; i++) {
      const role = roles[i];
      if (role < ROLE.bridge && !(withFar && role === ROLE.outside)) continue;
      const kind =
        role === ROLE.closed ? closedKind(records, i) : role === ROLE.outside ? ITEM.far : ITEM.open;
      digest = (digest + digestPart(kind, withPort(this.#hashOf(records, i), records.portAt(i)))) | 0;
    }
    return digest || 1;
  }

  /** Fills it. @param roles of the records (judge.ts). @param withFar whether outside endpoints are far. */
  fill(records: SwarmRecords, roles: Uint8Array, withFar: boolean): void {
    this.#clear(records.count);
    for (let i = 0; i < records.count; i++) {
      const role = roles[i];
      if (role < ROLE.bridge && !(withFar && role === ROLE.outside)) continue;
      const address = this.#hashOf(records, i);
      if (role === ROLE.outside) this.#add(withPort(address, records.portAt(i)), ITEM.far, i);
      else {
        if (role === ROLE.closed) this.#add(withPort(address, records.portAt(i)), ITEM.closed, i);
        this.#add(address, role === ROLE.closed ? ITEM.refused : ITEM.open, i);
      }
    }
  }

  /** The item of a hash and kind, or -1. */
  find(hash: number, kind: number): number {
    for (let slot = hash & this.#mask; this.#stamps[slot] === this.#stamp; slot = (slot + 1) & this.#mask) {
      const item = this.#slots[slot];
      if (this.hashes[item] === hash) return this.kinds[item] === kind ? item : NONE;
    }
    return NONE;
  }

  /** An address is refused when all of its members are closed here, and else open. */
  #add(hash: number, kind: number, record: number): void {
    let slot = hash & this.#mask;
    for (; this.#stamps[slot] === this.#stamp; slot = (slot + 1) & this.#mask) {
      const item = this.#slots[slot];
      if (this.hashes[item] !== hash) continue;
      if (kind !== ITEM.open) return;
      this.kinds[item] = kind;
      this.records[item] = record;
      return;
    }
    const item = this.count++;
    this.#stamps[slot] = this.#stamp;
    this.#slots[slot] = item;
    this.hashes[item] = hash;
    this.kinds[item] = kind;
    this.records[item] = record;
    this.present[item] = 0;
  }

  /** The hash of an address as an item. @param at of the address in `words`. */
  hashAddress(family: Family, words: Uint32Array, at: number): number {
    let hash = this.#seed ^ family;
    for (let w = 0; w < ADDRESS_WORDS[family]; w++) {
      hash = Math.imul(hash ^ words[at + w], FACTOR_A);
      hash = Math.imul(hash ^ (hash >>> 15), FACTOR_B);
    }
    return hash ^ (hash >>> 13);
  }

  #hashOf(records: SwarmRecords, i: number): number {
    return this.hashAddress(records.families[i] === 4 ? 4 : 6, records.addresses, i * COPY_WORDS);
  }

  #clear(records: number): void {
    this.count = 0;
    this.#stamp = (this.#stamp + 1) | 0;
    const least = SLOTS_PER_RECORD * records;
    if (least <= this.#slots.length) return;
    const capacity = 2 ** Math.ceil(Math.log2(least));
    this.hashes = new Int32Array(capacity);
    this.kinds = new Uint8Array(capacity);
    this.records = new Int32Array(capacity);
    this.present = new Uint8Array(capacity);
    this.#slots = new Int32Array(capacity);
    this.#stamps = new Int32Array(capacity).fill(this.#stamp - 1);
    this.#mask = capacity - 1;
  }
}

/** What a closed endpoint is in a digest. */
function closedKind({ wordsA }: SwarmRecords, i: number): number {
  return isComplete(keyOf(wordsA[i])) ? CLOSED_COPY : ITEM.closed;
}

/** What an endpoint adds to the digest of its swarm. @param kind one of {@link ITEM}. @param hash of the endpoint. */
export function digestPart(kind: number, hash: number): number {
  return Math.imul(hash ^ Math.imul(kind, FACTOR_A), FACTOR_B);
}

/** The hash of an endpoint as an item. @param address the hash of its address. @param port not 0. */
export function withPort(address: number, port: number): number {
  const hash = Math.imul(address ^ Math.imul(port, FACTOR_B), FACTOR_A);
  return hash ^ (hash >>> 15);
}
