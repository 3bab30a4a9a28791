/** A hash list: the torrents with enough complete copies inside the network, with counts of their peers. Immutable. */

import { INFO_HASH_WORDS } from "../model/info-hash.ts";

/** Words of a row of {@link HashList.rows}: group id, complete peers, incomplete ones. */
export const ROW_WORDS = 3;

/** A hash list. */
export interface HashList {
  /** Info-hashes, five words in network order for each, in order, each once. */
  readonly hashes: Uint32Array;
  /** Counts of the peers of each torrent, one row for each group inside that has peers: rows of {@link ROW_WORDS}. */
  readonly rows: Uint32Array;
  /** The position in `rows` of the first row of each torrent, and the end of the last row; in words. */
  readonly rowsAt: Uint32Array;
  /** Names of the groups, by id. */
  readonly groupNames: ReadonlyMap<number, string>;
  /** When the list last changed, in milliseconds since 1970. */
  readonly changedAt: number;
  /** When all torrents were last found to have enough copies. */
  readonly checkedAt: number;
  /** When the list expires. A later check extends this time. */
  readonly validUntil: number;
}

/** The number of torrents. */
export function entriesOf({ hashes }: HashList): number {
  return hashes.length / INFO_HASH_WORDS;
}

/** A list without torrents. */
export function emptyList(now: number): HashList {
  const none = new Uint32Array(0);
  return {
    hashes: none,
    rows: none,
    rowsAt: new Uint32Array(1),
    groupNames: new Map(),
    changedAt: now,
    checkedAt: now,
    validUntil: now,
  };
}

/** How many torrents of one list another list lacks. Both are sorted. */
export function countMissing(list: Uint32Array, other: Uint32Array): number {
  let missing = 0;
  let j = 0;
  for (let i = 0; i < list.length; i += INFO_HASH_WORDS) {
    while (j < other.length && compareHashes(other, j, list, i) < 0) j += INFO_HASH_WORDS;
    if (j === other.length || compareHashes(other, j, list, i) > 0) missing++;
  }
  return missing;
}

/** Compares the info-hashes at two positions. @returns a number for `Array.sort`. */
export function compareHashes(a: Uint32Array, atA: number, b: Uint32Array, atB: number): number {
  let i = 0;
  while (i < INFO_HASH_WORDS - 1 && a[atA + i] === b[atB + i]) i++;
  return a[atA + i] - b[atB + i];
}
