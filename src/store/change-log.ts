/**
 * Records the swarms that vanished, for readers that keep a copy of the store (storage). A changed swarm carries a
 * flag, but a removed one has no place for it. Each shard has a ring, written under the shard's lock. A reader that
 * falls behind by more than a ring is notified and must compare everything.
 * What a record contains: layout/entry.ts.
 */
import { copyVanished, VANISHED_WORDS } from "./layout/entry.ts";
import { copyWords } from "./layout/word.ts";

/** Records that a shard's ring holds. */
const CHANGE_LOG_LENGTH = 1024;

/** The rings' shared memory. */
export interface ChangeLogData {
  readonly records: Uint32Array<SharedArrayBuffer>;
  /** The number of records that were ever written for each shard, modulo 2^32. */
  readonly written: Uint32Array<SharedArrayBuffer>;
}

/** Allocates empty rings. */
export function allocateChangeLog(shards: number): ChangeLogData {
  return {
    records: new Uint32Array(new SharedArrayBuffer(shards * CHANGE_LOG_LENGTH * VANISHED_WORDS * 4)),
    written: new Uint32Array(new SharedArrayBuffer(shards * 4)),
  };
}

/** A thread's view of the rings. Callers hold the lock of the shard they name. */
export class ChangeLog {
  readonly #records: Uint32Array<SharedArrayBuffer>;
  readonly #written: Uint32Array<SharedArrayBuffer>;

  constructor(data: ChangeLogData) {
    this.#records = data.records;
    this.#written = data.written;
  }

  /** The number of records that were ever written to a shard's ring, modulo 2^32. A new reader begins here. */
  written(shard: number): number {
    return this.#written[shard];
  }

  /** Records that the swarm with its entry at `words[entry]` was removed. */
  append(shard: number, words: Uint32Array, entry: number): void {
    const target = this.#place(shard, this.#written[shard]++);
    copyVanished(words, entry, this.#records, target);
  }

  /**
   * Reads the record that was the `index`-th to be written to a shard's ring.
   * @param out receives {@link VANISHED_WORDS} words.
   * @returns false if it has been overwritten, or has not been written yet.
   */
  read(shard: number, index: number, out: Uint32Array): boolean {
    const behind = (this.#written[shard] - index) >>> 0;
    if (behind === 0 || behind > CHANGE_LOG_LENGTH) return false;
    const source = this.#place(shard, index);
    copyWords(this.#records, source, out, 0, VANISHED_WORDS);
    return true;
  }

  /** Makes every reader of a shard's ring compare everything. For a shard whose swarms are dropped unseen. */
  skip(shard: number): void {
    this.#written[shard] += CHANGE_LOG_LENGTH + 1;
  }

  #place(shard: number, index: number): number {
    return (shard * CHANGE_LOG_LENGTH + (index % CHANGE_LOG_LENGTH)) * VANISHED_WORDS;
  }
}
