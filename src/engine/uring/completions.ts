/** The completion queue of a ring, in memory shared with the kernel. */
import { CQE } from "./layouts.ts";

/** Bits of a purpose: it shares a word with the descriptor. */
const PURPOSE_BITS = 4;
const PURPOSES = 1 << PURPOSE_BITS;

/**
 * Packs the upper word of an operation's user data, which comes back with its completion.
 * @param fd the descriptor in use until then; 0, the standard input, for none.
 */
export function tag(purpose: number, fd: number): number {
  return fd * PURPOSES + purpose;
}

/** Byte offsets in the ring's memory. */
export interface CompletionOffsets {
  /** Of the position of the first unreleased completion, and of the position behind the last. */
  readonly head: number;
  readonly tail: number;
  /** Of the mask that turns a position into an index. */
  readonly mask: number;
  /** Of the completions, struct io_uring_cqe. */
  readonly cqes: number;
}

/** Completions are read by position from {@link head} to {@link tail}, and then released. */
export class Completions {
  readonly #words: Uint32Array;
  readonly #results: Int32Array;
  readonly #head: number;
  readonly #tail: number;
  readonly #mask: number;
  readonly #cqes: number;

  /** @param memory the ring's memory, from its start. */
  constructor(memory: ArrayBufferLike, { head, tail, mask, cqes }: CompletionOffsets) {
    this.#words = new Uint32Array(memory, 0, memory.byteLength >>> 2);
    this.#results = new Int32Array(memory, 0, memory.byteLength >>> 2);
    this.#head = head >> 2;
    this.#tail = tail >> 2;
    this.#mask = this.#words[mask >> 2];
    this.#cqes = cqes >> 2;
  }

  /** Position of the first unreleased completion, and the position behind the last. */
  get head(): number {
    return this.#words[this.#head];
  }
  get tail(): number {
    return this.#words[this.#tail];
  }

  /** Index of the completion at a position, which the following methods take. */
  at(position: number): number {
    return this.#cqes + (position & this.#mask) * (CQE.bytes >> 2);
  }
  owner(at: number): number {
    return this.#words[at + (CQE.userData >> 2)];
  }
  purpose(at: number): number {
    return this.#words[at + (CQE.userData >> 2) + 1] & (PURPOSES - 1);
  }
  /** The descriptor that the operation keeps in use, or 0. */
  descriptor(at: number): number {
    return this.#words[at + (CQE.userData >> 2) + 1] >>> PURPOSE_BITS;
  }
  /** The operation's return value; a negated error number if it is negative. */
  result(at: number): number {
    return this.#results[at + (CQE.result >> 2)];
  }
  flags(at: number): number {
    return this.#words[at + (CQE.flags >> 2)];
  }

  /** Replaces the purpose of a completion, for instance when it has been handled. */
  setPurpose(at: number, purpose: number): void {
    this.#words[at + (CQE.userData >> 2) + 1] = tag(purpose, this.descriptor(at));
  }

  /** Releases the completions before `position` to the kernel. */
  release(position: number): void {
    this.#words[this.#head] = position;
  }
}
