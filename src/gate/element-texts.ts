/** The elements of the gate's tables, as text. */
import { isComplete, keyOf } from "../store/layout/key.ts";
import type { AddressTable } from "./address-table.ts";
import type { GatedSwarms } from "./gated-swarms.ts";
import { ITEM, type ItemLists } from "./item-lists.ts";
import type { GateList } from "./protocol.ts";

/** Flags of addresses and of items. */
export const FLAG = {
  /** It is to be in its list. */
  listed: 1,
  /** It was in the list when followers were last sent it. */
  sent: 2,
  /** It is noted that these two may differ. */
  noted: 4,
  /** It is an outside endpoint. */
  far: 8,
  /** Of an item that is a closed endpoint: it is of a complete copy. */
  copy: 16,
} as const;

/** The flag of a closed endpoint whose record has this word A. */
export function copyFlag(wordA: number): number {
  return isComplete(keyOf(wordA)) ? FLAG.copy : 0;
}

/** Reads the tables of one gate. */
export class ElementTexts {
  readonly #swarms: GatedSwarms;
  readonly #addresses: AddressTable;
  readonly #items: ItemLists;

  constructor(swarms: GatedSwarms, addresses: AddressTable, items: ItemLists) {
    this.#swarms = swarms;
    this.#addresses = addresses;
    this.#items = items;
  }

  /** The list that an address or endpoint can be in. */
  listOf(row: number): GateList {
    if ((this.#addresses.flags[row] & FLAG.far) !== 0) return "far";
    return this.#addresses.portAt(row) === 0 ? "hosts" : "closed";
  }

  /** An address or endpoint. */
  row(row: number): string {
    const port = this.#addresses.portAt(row);
    const address = this.#addresses.addressText(row);
    return port === 0 ? address : `${address} ${port}`;
  }

  /** An item that is a pair. */
  pair(item: number): string {
    return `${this.#addresses.addressText(this.#items.rows[item])} ${this.#swarms.infoHashText(this.#items.swarms[item])}`;
  }

  /** The elements of a list as last sent to followers, some at a time. What changes meanwhile is in a later change. */
  *sent(list: GateList, count: number): Generator<readonly string[]> {
    yield* inChunks(
      list === "refused" ? this.#pairTexts(ITEM.refused, FLAG.sent) : this.#sentRows(list),
      count,
    );
  }

  /** The addresses that may meet the outside in gated swarms, with the info-hashes, some at a time. */
  *openPairs(count: number): Generator<readonly string[]> {
    yield* inChunks(this.#pairTexts(ITEM.open, 0), count);
  }

  /** The info-hashes of the gated swarms, some at a time. One that is gated in several homes is there several times. */
  *gatedHashes(count: number): Generator<readonly string[]> {
    yield* inChunks(this.#gatedHashes(), count);
  }

  *#gatedHashes(): Generator<string> {
    const swarms = this.#swarms;
    for (let swarm = 0; swarm < swarms.end; swarm++)
      if (swarms.homes[swarm] !== 0 && swarms.leechers[swarm] > 0) yield swarms.infoHashText(swarm);
  }

  *#sentRows(list: GateList): Generator<string> {
    const addresses = this.#addresses;
    for (let row = 0; row < addresses.end; row++)
      if ((addresses.flags[row] & FLAG.sent) !== 0 && addresses.isUsed(row) && this.listOf(row) === list)
        yield this.row(row);
  }

  *#pairTexts(kind: number, flags: number): Generator<string> {
    const items = this.#items;
    for (let item = 0; item < items.end; item++)
      if (items.kinds[item] === kind && (items.flags[item] & flags) === flags) yield this.pair(item);
  }
}

/** Arrays of `count` texts. */
function* inChunks(texts: Iterable<string>, count: number): Generator<readonly string[]> {
  let chunk: string[] = [];
  for (const text of texts) {
    chunk.push(text);
    if (chunk.length < count) continue;
    yield chunk;
    chunk = [];
  }
  if (chunk.length > 0) yield chunk;
}
