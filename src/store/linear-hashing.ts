/**
 * Linear hashing (Litwin 1980): a hash table that grows and shrinks by one bucket at a time, so that no insertion
 * ever waits for a table to be rebuilt. Two tables of the store use it: swarms by info-hash, and the peers of a large
 * list by address and port. Each keeps buckets and chains in its own memory. This file has the arithmetic that they share.
 */

/** The shard of `hash` among `shards`, a power of two up to 256. It uses the high bits; the tables use the low ones. */
export function shardOfHash(hash: number, shards: number): number {
  return (hash >>> 24) & (shards - 1);
}

/** Combines two hashes. */
export function mixHashes(hash: number, other: number): number {
  return hash ^ other;
}

/** The place of `hash` in a table of fixed size, a power of two. */
export function placeOf(hash: number, size: number): number {
  return hash & (size - 1);
}

/** The bucket of `hash` among `buckets` (at least 1) buckets. */
export function bucketOf(hash: number, buckets: number): number {
  const high = 1 << (31 - Math.clz32(buckets));
  const bucket = hash & (high * 2 - 1);
  return bucket < buckets ? bucket : bucket & (high - 1);
}

/** The bucket that `bucket` (at least 1) is split from when it is added, and merged with when it is removed. */
export function parentOf(bucket: number): number {
  return bucket & ~(1 << (31 - Math.clz32(bucket)));
}
