/**
 * What follows from the verdicts of all gated swarms: which endpoints and addresses are closed, which outside endpoints are
 * far, and which pairs of address and info-hash are refused.
 *
 * An endpoint is closed when one of its records is, and an address when one of its endpoints is: the router then judges its
 * connections by their first payload, which names the torrent (router/chains.ts). An outside endpoint is far when all of its
 * swarms are gated: when they are as many as it has records in all (store/endpoint-counts.ts).
 *
 * Rows and pairs have flags: what they are to be (`listed`), and what followers were sent last (`sent`). Those that differ
 * are noted until {@link takeChanges}.
 */
import type { Address } from "../model/address.ts";
import { INFO_HASH_WORDS } from "../model/info-hash.ts";
import type { EndpointCounts } from "../store/endpoint-counts.ts";
import type { KeyedHash } from "../store/keyed-hash.ts";
import { isComplete, keyOf } from "../store/layout/key.ts";
import type { RefusedPairs } from "../store/refused-pairs.ts";
import { AddressTable } from "./address-table.ts";
import { BridgeMemory } from "./bridge-memory.ts";
import { copyFlag, ElementTexts, FLAG } from "./element-texts.ts";
import { GatedSwarms } from "./gated-swarms.ts";
import { ITEM, ItemLists } from "./item-lists.ts";
import { ROLE } from "./judge.ts";
import type { GateElements, GateList } from "./protocol.ts";
import { COPY_WORDS, type SwarmRecords } from "./swarm-records.ts";
import { digestPart, WantedItems, withPort } from "./wanted-items.ts";

const NONE = -1;
const LISTED = FLAG.listed;
const SENT = FLAG.sent;
const NOTED = FLAG.noted;

/** Endpoints to be cut between two changes, at most. The connections of the others go on. */
const CUT_MAX = 4096;

/** Elements that are added to lists and removed from them. */
export interface GateChanges {
  readonly add: GateElements;
  readonly remove: GateElements;
  /** Endpoints whose connections are cut (protocol.ts). */
  readonly cut: readonly string[];
}

/** The tables of one gate. */
export class GateTables {
  readonly swarms: GatedSwarms;
  readonly addresses: AddressTable;
  readonly texts: ElementTexts;
  /** Swarms that are gated, once for each home. */
  gated = 0;
  /** Elements that are to be in each list. */
  readonly sizes: Record<GateList, number> = { refused: 0, closed: 0, hosts: 0, far: 0 };
  readonly #items = new ItemLists();
  readonly #counts: EndpointCounts;
  readonly #pairs: RefusedPairs;
  readonly #infoHash = new Uint32Array(INFO_HASH_WORDS);
  /** Rows, and items, whose flags differ. */
  #notedRows: number[] = [];
  #notedItems: number[] = [];
  readonly #wanted: WantedItems;
  /** Endpoints of downloaders that have just been closed in all of their swarms. */
  #cut: string[] = [];

  constructor(hash: KeyedHash, counts: EndpointCounts, pairs: RefusedPairs) {
    this.#counts = counts;
    this.#pairs = pairs;
    this.#wanted = new WantedItems(hash.hash(new Uint32Array(1), 0, 1, 0));
    this.swarms = new GatedSwarms((infoHash) => pairs.hashOf(infoHash));
    this.addresses = new AddressTable(hash);
    this.texts = new ElementTexts(this.swarms, this.addresses, this.#items);
  }

  /**
   * Notes that a swarm is gated in a home.
   * @param swarm its row.
   * @param roles of its records (judge.ts).
   * @param withFar whether its outside endpoints are far.
   */
  gate(swarm: number, leechers: number, records: SwarmRecords, roles: Uint8Array, withFar: boolean): void {
    const { swarms } = this;
    if (swarms.leechers[swarm] === 0) this.gated++;
    swarms.leechers[swarm] = leechers;
    // Most looks find nothing new.
    const digest = this.#wanted.digestOf(records, roles, withFar);
    if (swarms.digests[swarm] === digest) return;
    swarms.digests[swarm] = digest;
    this.#wanted.fill(records, roles, withFar);
    const gone = this.#findPresent(swarm, records);
    this.#addItems(swarm, records);
    if (gone > 0) this.#removeItems(swarm, false);
  }

  /**
   * Adds the closed endpoint of a downloader to a gated swarm.
   * @param swarm its row. @param address of the endpoint.
   * @returns false if it was there as a copy's, or its address is open: then the swarm has to be looked at.
   */
  close(swarm: number, { family, words }: Address, port: number): boolean {
    const items = this.#items;
    const { addresses, swarms } = this;
    const hash = this.#wanted.hashAddress(family, words, 0);
    const endpoint = withPort(hash, port);
    let isOpen = false;
    let refused = NONE;
    for (let item = swarms.heads[swarm]; item !== NONE; item = items.next[item]) {
      if (items.hashes[item] === endpoint && items.kinds[item] === ITEM.closed) {
        // A download comes back, and no round has found that it had left. But where a copy has become a download, what feeds
        // the home is different.
        return (items.flags[item] & FLAG.copy) === 0;
      }
      if (items.hashes[item] === hash) {
        if (items.kinds[item] === ITEM.refused) refused = item;
        else isOpen ||= items.kinds[item] === ITEM.open;
      }
    }
    if (isOpen) return false;
    swarms.digests[swarm] = (swarms.digests[swarm] + digestPart(ITEM.closed, endpoint)) | 0;
    const row = addresses.put(family, words, 0, port);
    const host = addresses.put(family, words, 0, 0);
    this.#addEndpoint(swarm, ITEM.closed, endpoint, row, host);
    this.#cutIfClosed(row);
    // An address is refused when all of its members are closed here.
    if (refused === NONE) this.#addPair(swarm, ITEM.refused, hash, host);
    else this.#listPair(refused, true);
    return true;
  }

  /** Endpoints that are closed in some swarm, and outside endpoints of gated swarms. */
  get endpoints(): number {
    return this.addresses.endpoints;
  }

  /** Notes that a swarm is not gated in a home. @param swarm its row, or -1. */
  open(swarm: number): void {
    if (!this.swarms.isGated(swarm)) return;
    this.swarms.leechers[swarm] = 0;
    this.swarms.digests[swarm] = 0;
    this.swarms.bridges[swarm] = new BridgeMemory();
    this.gated--;
    this.#removeItems(swarm, true);
    this.#releaseSwarm(swarm);
  }

  /** Evaluates the outside endpoints of a swarm: they may have more records than before. */
  evaluateOutside(records: SwarmRecords, roles: Uint8Array): void {
    for (let i = 0; i < records.count; i++) {
      if (roles[i] !== ROLE.outside) continue;
      const row = this.addresses.find(
        records.families[i] === 4 ? 4 : 6,
        records.addresses,
        i * COPY_WORDS,
        records.portAt(i),
      );
      if (row !== NONE) this.#evaluate(row);
    }
  }

  /** Evaluates up to `count` rows from a number on: outside endpoints may have got records in swarms that are not gated. @returns the next number, 0 at the end. */
  sweep(from: number, count: number): number {
    const end = Math.min(this.addresses.end, from + count);
    const { flags } = this.addresses;
    for (let row = from; row < end; row++)
      if ((flags[row] & FLAG.far) !== 0 && this.addresses.isUsed(row)) this.#evaluate(row);
    return end >= this.addresses.end ? 0 : end;
  }

  /** Whether anything has changed since {@link takeChanges}. */
  get hasChanges(): boolean {
    return this.#notedRows.length + this.#notedItems.length > 0;
  }

  /** What has changed since the last call. @param withTexts false: nobody reads the elements, and they are left out. */
  takeChanges(withTexts = true): GateChanges {
    const add: Record<GateList, string[]> = { refused: [], closed: [], hosts: [], far: [] };
    const remove: Record<GateList, string[]> = { refused: [], closed: [], hosts: [], far: [] };
    const { addresses } = this;
    const items = this.#items;
    for (const item of this.#notedItems) {
      const flags = items.flags[item] & ~NOTED;
      items.flags[item] = flags & LISTED ? flags | SENT : flags & ~SENT;
      if ((flags & LISTED) !== (flags & SENT) / SENT) {
        this.#notePair(item, (flags & LISTED) !== 0);
        if (withTexts) ((flags & LISTED) !== 0 ? add : remove).refused.push(this.texts.pair(item));
      }
      if ((flags & LISTED) === 0) this.#releasePair(item);
    }
    for (const row of this.#notedRows) {
      const flags = addresses.flags[row] & ~NOTED;
      addresses.flags[row] = flags & LISTED ? flags | SENT : flags & ~SENT;
      if (withTexts && (flags & LISTED) !== (flags & SENT) / SENT)
        ((flags & LISTED) !== 0 ? add : remove)[this.texts.listOf(row)].push(this.texts.row(row));
      this.#releaseIfUnused(row);
    }
    this.#notedRows = [];
    this.#notedItems = [];
    const cut = this.#cut;
    this.#cut = [];
    return { add, remove, cut };
  }

  /** Whether a row is in its list. For people. @param row may be -1. */
  isListed(row: number): boolean {
    return row !== NONE && (this.addresses.flags[row] & LISTED) !== 0;
  }

  /** Tells the workers that a pair is refused, or is no longer. */
  #notePair(item: number, isRefused: boolean): void {
    const { addresses } = this;
    const pairs = this.#pairs;
    const row = this.#items.rows[item];
    const family = addresses.familyAt(row);
    this.swarms.copyInfoHash(this.#items.swarms[item], this.#infoHash);
    const swarm = pairs.hashOf(this.#infoHash);
    if (isRefused) pairs.add(swarm, family, addresses.words, row * COPY_WORDS);
    else pairs.remove(swarm, family, addresses.words, row * COPY_WORDS);
  }

  /** Finds the items that the swarm has, and is to have. @returns how many it has that it is not to have. */
  #findPresent(swarm: number, { wordsA }: SwarmRecords): number {
    const items = this.#items;
    const wanted = this.#wanted;
    let gone = 0;
    for (let item = this.swarms.heads[swarm]; item !== NONE; item = items.next[item]) {
      const at = wanted.find(items.hashes[item], items.kinds[item]);
      if (at === NONE) gone++;
      else {
        wanted.present[at] = 1;
        const kind = items.kinds[item];
        if (kind === ITEM.refused) this.#listPair(item, true);
        else if (kind === ITEM.closed) items.flags[item] = copyFlag(wordsA[wanted.records[at]]);
      }
    }
    return gone;
  }

  /** Removes all items of a swarm, or those that it is not to have. */
  #removeItems(swarm: number, areAll: boolean): void {
    const items = this.#items;
    let before = NONE;
    for (let item = this.swarms.heads[swarm]; item !== NONE; ) {
      const next = items.next[item];
      const row = items.rows[item];
      const kind = items.kinds[item];
      if (!areAll && this.#wanted.find(items.hashes[item], kind) !== NONE) before = item;
      else if (kind === ITEM.refused) {
        // It stays until the removal is sent, and is added again if need be.
        this.#listPair(item, false);
        before = item;
      } else {
        if (before === NONE) this.swarms.heads[swarm] = next;
        else items.next[before] = next;
        items.release(item);
        if (kind === ITEM.open) this.#unpair(row);
        else this.#uncount(row);
      }
      item = next;
    }
  }

  /** Adds the items that the swarm is to have, and has not. */
  #addItems(swarm: number, records: SwarmRecords): void {
    const wanted = this.#wanted;
    const { addresses: words } = records;
    for (let at = 0; at < wanted.count; at++) {
      if (wanted.present[at] !== 0) continue;
      const kind = wanted.kinds[at];
      const i = wanted.records[at];
      const family = records.families[i] === 4 ? 4 : 6;
      if (kind === ITEM.closed || kind === ITEM.far) {
        const row = this.addresses.put(family, words, i * COPY_WORDS, records.portAt(i));
        const host = kind === ITEM.far ? NONE : this.addresses.put(family, words, i * COPY_WORDS, 0);
        const item = this.#addEndpoint(swarm, kind, wanted.hashes[at], row, host);
        if (kind === ITEM.far) continue;
        this.#items.flags[item] = copyFlag(records.wordsA[i]);
        if (!isComplete(keyOf(records.wordsA[i]))) this.#cutIfClosed(row);
      } else {
        const host = this.addresses.put(family, words, i * COPY_WORDS, 0);
        this.#addPair(swarm, kind, wanted.hashes[at], host);
      }
    }
  }

  /** Adds an endpoint to the items of a swarm. @param kind `closed` or `far`. @param host the row of its address, or -1. @returns its item. */
  #addEndpoint(swarm: number, kind: number, hash: number, row: number, host: number): number {
    const { addresses, swarms } = this;
    const item = this.#items.add(kind, hash, row, swarm, swarms.heads[swarm]);
    swarms.heads[swarm] = item;
    addresses.counts[row]++;
    addresses.hosts[row] = host;
    if (host === NONE) addresses.flags[row] |= FLAG.far;
    else {
      addresses.counts[host]++;
      this.#evaluate(host);
    }
    this.#evaluate(row);
    return item;
  }

  /** Adds an address to the items of a swarm. @param kind `refused` or `open`. */
  #addPair(swarm: number, kind: number, hash: number, host: number): void {
    const { swarms } = this;
    const item = this.#items.add(kind, hash, host, swarm, swarms.heads[swarm]);
    swarms.heads[swarm] = item;
    this.addresses.pairs[host]++;
    if (kind === ITEM.refused) this.#listPair(item, true);
  }

  /** A record is closed no more, or is gone. */
  #uncount(row: number): void {
    const { addresses } = this;
    const host = addresses.hosts[row];
    addresses.counts[row]--;
    if (host !== NONE) addresses.counts[host]--;
    this.#evaluate(row);
    if (host !== NONE) this.#evaluate(host);
  }

  /** Finds out whether a row is to be in its list. */
  #evaluate(row: number): void {
    const { addresses } = this;
    const flags = addresses.flags[row];
    const isListed = (flags & FLAG.far) !== 0 ? this.#isFar(row) : addresses.counts[row] > 0;
    if (isListed !== ((flags & LISTED) !== 0)) {
      addresses.flags[row] = flags ^ LISTED;
      this.sizes[this.texts.listOf(row)] += isListed ? 1 : -1;
      if ((flags & NOTED) === 0) {
        addresses.flags[row] |= NOTED;
        this.#notedRows.push(row);
      }
    }
    this.#releaseIfUnused(row);
  }

  /** Whether all swarms of an outside endpoint are gated. */
  #isFar(row: number): boolean {
    return this.addresses.counts[row] > 0 && this.#areAllCounted(row);
  }

  /** Whether an endpoint has no other records than those that its row counts. */
  #areAllCounted(row: number): boolean {
    const { addresses } = this;
    const all = this.#counts.count(
      addresses.familyAt(row),
      addresses.words,
      row * COPY_WORDS,
      addresses.portAt(row),
    );
    return addresses.counts[row] >= all;
  }

  /** Notes that the connections of a downloader are cut, unless it is in a swarm where it is not closed. */
  #cutIfClosed(row: number): void {
    if (this.#cut.length < CUT_MAX && this.#areAllCounted(row)) this.#cut.push(this.texts.row(row));
  }

  #releaseIfUnused(row: number): void {
    const { addresses } = this;
    const isUsed = addresses.counts[row] + addresses.pairs[row] > 0;
    if (!isUsed && addresses.isUsed(row) && (addresses.flags[row] & (LISTED | SENT | NOTED)) === 0)
      addresses.release(row);
  }

  #listPair(item: number, isListed: boolean): void {
    const items = this.#items;
    const flags = items.flags[item];
    if (isListed === ((flags & LISTED) !== 0)) return;
    items.flags[item] = flags ^ LISTED;
    this.sizes.refused += isListed ? 1 : -1;
    if ((flags & NOTED) !== 0) return;
    items.flags[item] |= NOTED;
    this.#notedItems.push(item);
  }

  /** Removes a pair whose removal has been sent. */
  #releasePair(item: number): void {
    const items = this.#items;
    const { heads } = this.swarms;
    const swarm = items.swarms[item];
    let at = heads[swarm];
    if (at === item) heads[swarm] = items.next[item];
    else {
      while (items.next[at] !== item) at = items.next[at];
      items.next[at] = items.next[item];
    }
    const row = items.rows[item];
    items.release(item);
    this.#unpair(row);
    this.#releaseSwarm(swarm);
  }

  #unpair(row: number): void {
    this.addresses.pairs[row]--;
    this.#releaseIfUnused(row);
  }

  /** Releases a swarm without items, unless it is gated. */
  #releaseSwarm(swarm: number): void {
    if (this.swarms.heads[swarm] === NONE && this.swarms.leechers[swarm] === 0) this.swarms.release(swarm);
  }
}
