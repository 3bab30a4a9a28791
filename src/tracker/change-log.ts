/**
 * The info-hashes of swarms that vanished, for readers (storage, replication) that keep a copy: what changed is
 * marked in the swarms themselves, but what is gone has no place for a mark. A ring for each shard, written under
 * the shard's lock; a reader that falls behind by more than a ring is told so and has to compare everything.
 */

/** Info-hashes that a shard's ring holds. */
const CHANGE_LOG_LENGTH = 1024;

/** The rings' shared memory. */
export interface ChangeLogData {
  readonly hashes: Uint32Array<SharedArrayBuffer>;
  /** Of each shard: how many were ever written, modulo 2^32. */
  readonly written: Uint32Array<SharedArrayBuffer>;
}

/** Allocates empty rings. */
export function allocateChangeLog(shards: number): ChangeLogData {
  return {
    hashes: new Uint32Array(new SharedArrayBuffer(shards * CHANGE_LOG_LENGTH * 5 * 4)),
    written: new Uint32Array(new SharedArrayBuffer(shards * 4)),
  };
}

/** A thread's view of the rings. Callers hold the lock of the shard they name. */
export class ChangeLog {
  readonly #hashes: Uint32Array<SharedArrayBuffer>;
  readonly #written: Uint32Array<SharedArrayBuffer>;

  constructor(data: ChangeLogData) {
    this.#hashes = data.hashes;
    this.#written = data.written;
  }

  /** How many were ever written to the shard's ring, modulo 2^32: where a new reader begins. */
  written(shard: number): number {
    return this.#written[shard];
  }

  /** Notes that the swarm whose info-hash begins at `words[at]` is gone. */
  append(shard: number, words: Uint32Array, at: number): void {
    const target = this.#place(shard, this.#written[shard]++);
    for (let i = 0; i < 5; i++) this.#hashes[target + i] = words[at + i];
  }

  /**
   * Reads the `index`-th info-hash ever written to the shard's ring.
   * @returns false when it has been overwritten, or not been written yet.
   */
  read(shard: number, index: number, out: Uint32Array): boolean {
    const behind = (this.#written[shard] - index) >>> 0;
    if (behind === 0 || behind > CHANGE_LOG_LENGTH) return false;
    const source = this.#place(shard, index);
    for (let i = 0; i < 5; i++) out[i] = this.#hashes[source + i];
    return true;
  }

  /** Makes every reader of the shard's ring compare everything: swarms are gone, and nobody knows which. */
  skip(shard: number): void {
    this.#written[shard] += CHANGE_LOG_LENGTH + 1;
  }

  #place(shard: number, index: number): number {
    return (shard * CHANGE_LOG_LENGTH + (index & (CHANGE_LOG_LENGTH - 1))) * 5;
  }
}
