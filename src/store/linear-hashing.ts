/**
 * Linear hashing (Litwin 1980): a hash table that grows and shrinks by one bucket at a time, so that no insertion
 * ever waits for a table to be rebuilt. Both tables of the store use it: swarms by info-hash, and the peers of a
 * large swarm by address and port. Each keeps its buckets and chains in its own memory; what they share is here.
 */

/** The bucket of `hash` among `buckets` (at least 1) buckets. */
export function bucketOf(hash: number, buckets: number): number {
  const high = 1 << (31 - Math.clz32(buckets));
  const bucket = hash & (high * 2 - 1);
  return bucket < buckets ? bucket : bucket & (high - 1);
}

/** The bucket that `bucket` (at least 1) splits off from when it is added, and goes back to when it is removed. */
export function parentOf(bucket: number): number {
  return bucket & ~(1 << (31 - Math.clz32(bucket)));
}
