/** A hash list: torrents with enough complete copies inside, and who has them. Never changed once made. */

/** Words of an info-hash. */
export const HASH_WORDS = 5;

/** Words of a row of {@link HashList.rows}: group id, complete peers, incomplete ones. */
export const ROW_WORDS = 3;

/** It. */
export interface HashList {
  /** Info-hashes, five words in network order for each, in order, each once. */
  readonly hashes: Uint32Array;
  /** The peers of each torrent by group, for groups inside that have some: rows of {@link ROW_WORDS}. */
  readonly rows: Uint32Array;
  /** Where in `rows` each torrent's begin, and where the last one's end; in words. */
  readonly rowsAt: Uint32Array;
  /** Names of the groups, by id. */
  readonly groupNames: ReadonlyMap<number, string>;
  /** When these torrents were first listed: when the list last changed. Milliseconds since 1970. */
  readonly changedAt: number;
  /** When each of them was last seen to have enough copies. */
  readonly checkedAt: number;
  /** When it must not be used any more unless it has been checked since. */
  readonly validUntil: number;
}

/** How many torrents are listed. */
export function entriesOf({ hashes }: HashList): number {
  return hashes.length / HASH_WORDS;
}

/** A list without torrents, which holds for as long as nobody says otherwise. */
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

/** How many torrents one list has that another has not; both are in order. */
export function countMissing(list: Uint32Array, other: Uint32Array): number {
  let missing = 0;
  let j = 0;
  for (let i = 0; i < list.length; i += HASH_WORDS) {
    while (j < other.length && compareHashes(other, j, list, i) < 0) j += HASH_WORDS;
    if (j === other.length || compareHashes(other, j, list, i) > 0) missing++;
  }
  return missing;
}

/** Compares the info-hashes at two places, as sorting wants it. */
export function compareHashes(a: Uint32Array, atA: number, b: Uint32Array, atB: number): number {
  let i = 0;
  while (i < HASH_WORDS - 1 && a[atA + i] === b[atB + i]) i++;
  return a[atA + i] - b[atB + i];
}
