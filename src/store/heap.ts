/**
 * The memory of all swarms: one array of 32-bit words in shared memory. It is reserved for `max_peers` at start, and
 * touched only as it fills.
 *
 * One pool hands out *chunks* of 32 KiB. Each shard divides its chunks into *blocks* of one size class, and keeps every
 * class *dense*: the last block of a class moves to the place of a freed one. So only the last chunk of a class is ever
 * partly empty. Memory does not fragment, it shrinks with the number of peers, and its maximum is known beforehand.
 *
 * Blocks therefore move. The first word of a block names its one owner: the index of the word that holds the reference
 * to it. This reference is updated when the block moves. After `free`, references in local variables are stale.
 */
import {
  CHUNK_WORDS,
  chunkOf,
  chunkStart,
  HEAP_WORDS_MAX,
  isRoot,
  ownerOf,
  referenceCell,
  referenceCount,
  setOwner,
} from "./layout/block.ts";
import { inheritLock, lock, tryLock, unlock } from "./shard-lock.ts";

/**
 * Words in a block of each class. The smaller classes are for lists of 1, 2, 3, 4, 6, 8, 12 … 32, 40, 48 peer records after
 * an owner word, of IPv4 (3 words a record) and IPv6 (6). The larger ones are for pages and roots of large lists. More
 * classes would waste less of each block, but every class of every shard has a chunk that is partly empty.
 */
export const CLASS_WORDS = Uint16Array.of(
  4,
  7,
  10,
  13,
  19,
  25,
  37,
  49,
  61,
  73,
  85,
  97,
  121,
  145,
  193,
  241,
  289,
  433,
  577,
  865,
  1153,
  1921,
  2730,
  4096,
  8192,
);
const CLASSES = CLASS_WORDS.length;
const BLOCKS_PER_CHUNK = CLASS_WORDS.map((words) => Math.floor(CHUNK_WORDS / words));

const NO_CLASS = 255;
const POOL_LOCK = 0;
const POOL_TAKEN = 1;
const POOL_FREE_LIST = 2;

/** The heap's shared memory, which all threads get. */
export interface HeapData {
  readonly words: Uint32Array<SharedArrayBuffer>;
  /** The size class of each chunk, and the chunk before it in its class or in the list of free chunks. */
  readonly chunkClass: Uint8Array<SharedArrayBuffer>;
  readonly chunkPrevious: Uint32Array<SharedArrayBuffer>;
  /** The shard that has each chunk, + 1. 0 for a free chunk. Recovery rebuilds everything else from it. */
  readonly chunkShard: Uint16Array<SharedArrayBuffer>;
  /** The pool's lock, the number of chunks ever taken, and the head of the list of free chunks. */
  readonly pool: Int32Array<SharedArrayBuffer>;
  /** The last chunk of each class of each shard, and the number of blocks used in it. */
  readonly tail: Uint32Array<SharedArrayBuffer>;
  readonly used: Uint32Array<SharedArrayBuffer>;
}

/** Words needed in addition to the blocks: a partly filled chunk for every class of every shard. */
export function heapSlackWords(shards: number): number {
  return (CLASSES * shards + shards + 1) * CHUNK_WORDS;
}

/** Reserves a heap of at least `words` words for `shards` shards. @throws RangeError if that is too much. */
export function allocateHeap(words: number, shards: number): HeapData {
  const chunks = Math.ceil(words / CHUNK_WORDS) + 1;
  if (chunks * CHUNK_WORDS > HEAP_WORDS_MAX) throw new RangeError("the heap is limited to 8 GiB");
  const pool = new Int32Array(new SharedArrayBuffer(12));
  pool[POOL_TAKEN] = 1; // Chunk 0 is never taken: the reference 0 means none, and its words are the parking cells.
  return {
    words: new Uint32Array(new SharedArrayBuffer(chunks * CHUNK_WORDS * 4)),
    chunkClass: new Uint8Array(new SharedArrayBuffer(chunks)).fill(NO_CLASS),
    chunkPrevious: new Uint32Array(new SharedArrayBuffer(chunks * 4)),
    chunkShard: new Uint16Array(new SharedArrayBuffer(chunks * 2)),
    pool,
    tail: new Uint32Array(new SharedArrayBuffer(CLASSES * shards * 4)),
    used: new Uint32Array(new SharedArrayBuffer(CLASSES * shards * 4)),
  };
}

/** Bytes of all chunks that were ever taken. The operating system does not get them back. */
export function usedBytes({ pool }: HeapData): number {
  return Atomics.load(pool, POOL_TAKEN) * CHUNK_WORDS * 4;
}

/** The smallest class with blocks of at least `words` words, or -1. */
export function classFor(words: number): number {
  for (let c = 0; c < CLASSES; c++) if (CLASS_WORDS[c] >= words) return c;
  return -1;
}

/** The first of two words of a shard that can own a block for a moment, while a list is rebuilt. */
export function parkingCell(shard: number): number {
  return 2 * shard;
}

/** A thread's view of the heap. The pool has its own lock. Everything else is protected by the lock of its shard. */
export class Heap {
  readonly words: Uint32Array<SharedArrayBuffer>;
  readonly #chunkClass: Uint8Array<SharedArrayBuffer>;
  readonly #chunkPrevious: Uint32Array<SharedArrayBuffer>;
  readonly #chunkShard: Uint16Array<SharedArrayBuffer>;
  readonly #pool: Int32Array<SharedArrayBuffer>;
  readonly #tail: Uint32Array<SharedArrayBuffer>;
  readonly #used: Uint32Array<SharedArrayBuffer>;

  readonly #holder: number;

  /** @param holder the thread's number as a holder of locks (shard-lock.ts). */
  constructor(data: HeapData, holder: number) {
    this.#holder = holder;
    this.words = data.words;
    this.#chunkClass = data.chunkClass;
    this.#chunkPrevious = data.chunkPrevious;
    this.#chunkShard = data.chunkShard;
    this.#pool = data.pool;
    this.#tail = data.tail;
    this.#used = data.used;
  }

  /** The number of chunks of the whole heap. */
  get chunkCount(): number {
    return this.#chunkClass.length;
  }

  /** The size class of the block at `ref`. */
  classOf(ref: number): number {
    return this.#chunkClass[chunkOf(ref)];
  }

  /**
   * Takes a block. Its contents are undefined.
   * @param owner the index of the word that will hold the reference. For a root: `rootOwner` of it (layout/block.ts).
   * @returns the index of its first word, or 0 if the heap is full.
   */
  allocate(shard: number, sizeClass: number, owner: number): number {
    const at = shard * CLASSES + sizeClass;
    let chunk = this.#tail[at];
    let used = this.#used[at];
    if (chunk === 0 || used === BLOCKS_PER_CHUNK[sizeClass]) {
      const previous = chunk;
      chunk = this.takeChunk(shard);
      if (chunk === 0) return 0;
      this.#chunkClass[chunk] = sizeClass;
      this.#chunkPrevious[chunk] = previous;
      this.#tail[at] = chunk;
      used = 0;
    }
    this.#used[at] = used + 1;
    const ref = chunkStart(chunk) + used * CLASS_WORDS[sizeClass];
    this.words[ref] = owner;
    return ref;
  }

  /** Frees a block. The last block of its class moves to its place. */
  free(shard: number, ref: number): void {
    const sizeClass = this.classOf(ref);
    const at = shard * CLASSES + sizeClass;
    const size = CLASS_WORDS[sizeClass];
    const chunk = this.#tail[at];
    const used = this.#used[at] - 1;
    const last = chunkStart(chunk) + used * size;
    if (last !== ref) {
      this.words.copyWithin(ref, last, last + size);
      this.#updateReferences(ref);
    }
    this.#used[at] = used;
    if (used > 0) return;
    const previous = this.#chunkPrevious[chunk];
    this.releaseChunk(chunk);
    this.#tail[at] = previous;
    this.#used[at] = previous === 0 ? 0 : BLOCKS_PER_CHUNK[sizeClass];
  }

  /** Updates the references to a block that has moved to `ref`, and the owners of the blocks that it refers to. */
  #updateReferences(ref: number): void {
    const { words } = this;
    words[ownerOf(words, ref)] = ref;
    if (isRoot(words, ref)) this.adoptReferences(ref);
  }

  /** Makes the root at `ref` the owner of all blocks that it refers to. */
  adoptReferences(ref: number): void {
    const { words } = this;
    const end = referenceCell(ref, referenceCount(words, ref));
    for (let cell = referenceCell(ref, 0); cell < end; cell++) setOwner(words, words[cell], cell);
  }

  /** Takes a whole chunk. @returns its number, or 0 if the heap is full. Its words start at number × CHUNK_WORDS. */
  takeChunk(shard: number): number {
    const pool = this.#pool;
    lock(pool, POOL_LOCK, this.#holder);
    let chunk = pool[POOL_FREE_LIST];
    if (chunk !== 0) pool[POOL_FREE_LIST] = this.#chunkPrevious[chunk];
    else if (pool[POOL_TAKEN] < this.chunkCount) chunk = pool[POOL_TAKEN]++;
    if (chunk !== 0) this.#chunkShard[chunk] = shard + 1;
    unlock(pool, POOL_LOCK);
    return chunk;
  }

  /** Frees a whole chunk. */
  releaseChunk(chunk: number): void {
    lock(this.#pool, POOL_LOCK, this.#holder);
    this.#chunkShard[chunk] = 0;
    this.#addToFreeList(chunk);
    unlock(this.#pool, POOL_LOCK);
  }

  /**
   * Frees all memory of some shards, whatever state their lists are in. For the control plane, after a worker crash.
   * @param dead the number of the crashed worker as a holder of locks. It may hold the pool's lock.
   * @returns false if a running worker held that lock for longer than `waitMs`. Nothing has changed then.
   */
  reclaim(shards: readonly number[], dead: number, waitMs: number): boolean {
    const pool = this.#pool;
    const inherited = inheritLock(pool, POOL_LOCK, dead, this.#holder);
    if (!inherited && shards.length === 0) return true;
    if (!inherited && !tryLock(pool, POOL_LOCK, this.#holder, waitMs)) return false;
    pool[POOL_FREE_LIST] = 0;
    for (let chunk = 1; chunk < pool[POOL_TAKEN]; chunk++) {
      if (shards.includes(this.#chunkShard[chunk] - 1)) this.#chunkShard[chunk] = 0;
      if (this.#chunkShard[chunk] === 0) this.#addToFreeList(chunk);
    }
    for (const shard of shards) {
      this.#tail.fill(0, shard * CLASSES, (shard + 1) * CLASSES);
      this.#used.fill(0, shard * CLASSES, (shard + 1) * CLASSES);
    }
    unlock(pool, POOL_LOCK);
    return true;
  }

  #addToFreeList(chunk: number): void {
    this.#chunkClass[chunk] = NO_CLASS;
    this.#chunkPrevious[chunk] = this.#pool[POOL_FREE_LIST];
    this.#pool[POOL_FREE_LIST] = chunk;
  }
}
