/**
 * Which torrents are served: all, only those of a list, or all but those. The list is read-only memory shared by all
 * workers, info-hashes sorted into buckets by their first 16 bits; they are uniform, so that a bucket of a list of a
 * million holds about 15.
 */

/** How the list is meant: not at all, as the only torrents served, or as those refused. */
export type AccessMode = "off" | "allow" | "deny";

/** The list's shared memory, as it is handed from thread to thread. */
export interface AccessListData {
  readonly mode: AccessMode;
  /** Five words an info-hash, by bucket. */
  readonly hashes: Uint32Array<SharedArrayBuffer>;
  /** Where each bucket begins, counted in info-hashes, and where the last one ends. */
  readonly buckets: Uint32Array<SharedArrayBuffer>;
}

const BUCKETS = 0x10000;

/** Builds a list. @param hashes five words for every info-hash, in any order. */
export function buildAccessList(mode: AccessMode, hashes: Uint32Array): AccessListData {
  const count = hashes.length / 5;
  const sorted = new Uint32Array(new SharedArrayBuffer(mode === "off" ? 0 : hashes.length * 4));
  const buckets = new Uint32Array(new SharedArrayBuffer(mode === "off" ? 0 : (BUCKETS + 1) * 4));
  if (mode === "off") return { mode, hashes: sorted, buckets };
  for (let i = 0; i < count; i++) buckets[(hashes[i * 5] >>> 16) + 1]++;
  for (let b = 0; b < BUCKETS; b++) buckets[b + 1] += buckets[b];
  const next = buckets.slice();
  for (let i = 0; i < count; i++) {
    const place = next[hashes[i * 5] >>> 16]++;
    sorted.set(hashes.subarray(i * 5, i * 5 + 5), place * 5);
  }
  return { mode, hashes: sorted, buckets };
}

/** A thread's view of a list. */
export class AccessList {
  readonly #data: AccessListData;

  constructor(data: AccessListData) {
    this.#data = data;
  }

  /** Whether the torrent is served. */
  allows(infoHash: Uint32Array): boolean {
    const { mode } = this.#data;
    return mode === "off" || this.#has(infoHash) === (mode === "allow");
  }

  #has(infoHash: Uint32Array): boolean {
    const { hashes, buckets } = this.#data;
    const bucket = infoHash[0] >>> 16;
    const end = buckets[bucket + 1] * 5;
    for (let at = buckets[bucket] * 5; at < end; at += 5) {
      let same = 0;
      while (same < 5 && hashes[at + same] === infoHash[same]) same++;
      if (same === 5) return true;
    }
    return false;
  }
}
