/**
 * Decides which torrents are served: all, only those on a list, or all but those on a list. The list is read-only memory
 * shared by all workers. Info-hashes are sorted into buckets by their first 16 bits. They are uniformly distributed, so a
 * bucket of a list with a million entries holds about 15.
 */
import { INFO_HASH_WORDS } from "../model/info-hash.ts";
import { equalWords } from "../store/layout/word.ts";

/** off: all torrents are served. allow: only those on the list. deny: all but those on the list. */
export type AccessMode = "off" | "allow" | "deny";

/** The list's shared memory, in the form in which workers receive it. */
export interface AccessListData {
  readonly mode: AccessMode;
  /** Five words for each info-hash, ordered by bucket. */
  readonly hashes: Uint32Array<SharedArrayBuffer>;
  /** The start of each bucket, in info-hashes, and the end of the last one. */
  readonly buckets: Uint32Array<SharedArrayBuffer>;
}

const BUCKETS = 0x10000;

/** Builds a list. @param hashes five words for every info-hash, in any order. */
export function buildAccessList(mode: AccessMode, hashes: Uint32Array): AccessListData {
  const count = hashes.length / INFO_HASH_WORDS;
  const sorted = new Uint32Array(new SharedArrayBuffer(mode === "off" ? 0 : hashes.length * 4));
  const buckets = new Uint32Array(new SharedArrayBuffer(mode === "off" ? 0 : (BUCKETS + 1) * 4));
  if (mode === "off") return { mode, hashes: sorted, buckets };
  for (let i = 0; i < count; i++) buckets[(hashes[i * INFO_HASH_WORDS] >>> 16) + 1]++;
  for (let b = 0; b < BUCKETS; b++) buckets[b + 1] += buckets[b];
  const next = buckets.slice();
  for (let i = 0; i < count; i++) {
    const place = next[hashes[i * INFO_HASH_WORDS] >>> 16]++;
    sorted.set(hashes.subarray(i * INFO_HASH_WORDS, (i + 1) * INFO_HASH_WORDS), place * INFO_HASH_WORDS);
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
    if (hashes.length === 0) return false;
    const bucket = infoHash[0] >>> 16;
    const end = buckets[bucket + 1] * INFO_HASH_WORDS;
    for (let at = buckets[bucket] * INFO_HASH_WORDS; at < end; at += INFO_HASH_WORDS) {
      if (equalWords(hashes, at, infoHash, 0, INFO_HASH_WORDS)) return true;
    }
    return false;
  }
}
