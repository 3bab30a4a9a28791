/** Doubly linked lists of integers in typed arrays. Every operation takes constant time. */

/** No item. */
export const NONE = -1;

/** A fixed number of lists over a fixed number of items. An item is in at most one list. */
export class LinkedLists {
  readonly #next: Int32Array;
  readonly #previous: Int32Array;
  readonly #first: Int32Array;
  readonly #last: Int32Array;

  constructor(items: number, lists: number) {
    this.#next = new Int32Array(items).fill(NONE);
    this.#previous = new Int32Array(items).fill(NONE);
    this.#first = new Int32Array(lists).fill(NONE);
    this.#last = new Int32Array(lists).fill(NONE);
  }

  /** The oldest item of the list, or {@link NONE}. */
  first(list: number): number {
    return this.#first[list];
  }

  /** Whether the item is the last of this list. */
  isLast(list: number, item: number): boolean {
    return this.#last[list] === item;
  }

  /** Appends an item that is in no list. */
  append(list: number, item: number): void {
    const last = this.#last[list];
    this.#previous[item] = last;
    this.#next[item] = NONE;
    this.#last[list] = item;
    if (last === NONE) this.#first[list] = item;
    else this.#next[last] = item;
  }

  /** Removes an item from its list. */
  remove(list: number, item: number): void {
    const next = this.#next[item];
    const previous = this.#previous[item];
    if (next === NONE) this.#last[list] = previous;
    else this.#previous[next] = previous;
    if (previous === NONE) this.#first[list] = next;
    else this.#next[previous] = next;
  }
}
