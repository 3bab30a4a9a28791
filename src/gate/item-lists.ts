/** The items of each gated swarm: linked lists in typed arrays. */
import { grown8, grownSigned } from "./typed-arrays.ts";

const NONE = -1;
const FIRST_CAPACITY = 1024;

/**
 * What an item is. `closed`: a member's endpoint, closed in the swarm. `far`: an outside endpoint. `refused`: an address
 * all of whose endpoints in the swarm are closed there. `open`: an address with one that is not.
 */
export const ITEM = { closed: 1, far: 2, refused: 3, open: 4 } as const;

/** The items of one gate. */
export class ItemLists {
  size = 0;
  end = 0;
  /** Of each item: one of {@link ITEM}, or 0 of a free one; its hash; its address (address-table.ts); its swarm; flags of its user. */
  kinds = new Uint8Array(FIRST_CAPACITY);
  hashes = new Int32Array(FIRST_CAPACITY);
  rows = new Int32Array(FIRST_CAPACITY);
  swarms = new Int32Array(FIRST_CAPACITY);
  flags = new Uint8Array(FIRST_CAPACITY);
  /** The next item of the same swarm, or -1. */
  next = new Int32Array(FIRST_CAPACITY);
  #free = NONE;

  /** Adds an item in front of `next`. @param hash by which the user finds it again. */
  add(kind: number, hash: number, row: number, swarm: number, next: number): number {
    if (this.#free === NONE && this.end === this.kinds.length) this.#grow();
    let item = this.#free;
    if (item === NONE) item = this.end++;
    else this.#free = this.next[item];
    this.kinds[item] = kind;
    this.hashes[item] = hash;
    this.rows[item] = row;
    this.swarms[item] = swarm;
    this.flags[item] = 0;
    this.next[item] = next;
    this.size++;
    return item;
  }

  /** Releases an item that is in no list. */
  release(item: number): void {
    this.kinds[item] = 0;
    this.next[item] = this.#free;
    this.#free = item;
    this.size--;
  }

  #grow(): void {
    const capacity = 2 * this.kinds.length;
    this.kinds = grown8(this.kinds, capacity);
    this.hashes = grownSigned(this.hashes, capacity);
    this.rows = grownSigned(this.rows, capacity);
    this.swarms = grownSigned(this.swarms, capacity);
    this.flags = grown8(this.flags, capacity);
    this.next = grownSigned(this.next, capacity);
  }
}
