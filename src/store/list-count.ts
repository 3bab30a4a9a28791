/**
 * The second word of a list's cell: the number of peers in 21 bits, more than a list can have. The 11 bits above
 * belong to the swarm (swarm-state.ts).
 */

/** The bits that are the number of peers. */
export const LIST_COUNT_MASK = 0x1fffff;

/** Bits of a cell's second word below those that are not the list's. */
export const LIST_COUNT_BITS = 21;

/** Peers of the list at `cell`. */
export function listCount(words: Uint32Array, cell: number): number {
  return words[cell + 1] & LIST_COUNT_MASK;
}

/** Notes how many peers the list at `cell` has now. */
export function setListCount(words: Uint32Array, cell: number, count: number): void {
  words[cell + 1] = (words[cell + 1] & ~LIST_COUNT_MASK) | count;
}
