/** The completions of a ring, in memory shared with the kernel. */
import { CQE } from "./layouts.ts";

/** Purposes there can be: they share a word with the descriptor. */
const PURPOSE_BITS = 4;
const PURPOSES = 1 << PURPOSE_BITS;

/**
 * The upper word of what comes back with a completion.
 * @param fd the descriptor that is in use until then; 0, which is the process's standard input, for none.
 */
export function tag(purpose: number, fd: number): number {
  return fd * PURPOSES + purpose;
}

/** Where in the ring's memory they are: offsets in bytes. */
export interface CompletionOffsets {
  /** Of the positions of the first that has not been released, and behind the last. */
  readonly head: number;
  readonly tail: number;
  /** Of what a position is cut to, to get the index of its completion. */
  readonly mask: number;
  /** Of the completions themselves, struct io_uring_cqe. */
  readonly cqes: number;
}

/** Completions are read by position: {@link head} up to {@link tail}, then {@link release}. */
export class Completions {
  readonly #words: Uint32Array;
  readonly #results: Int32Array;
  readonly #head: number;
  readonly #tail: number;
  readonly #mask: number;
  readonly #cqes: number;

  /** @param memory the ring's, from its first byte on. */
  constructor(memory: ArrayBufferLike, { head, tail, mask, cqes }: CompletionOffsets) {
    this.#words = new Uint32Array(memory, 0, memory.byteLength >>> 2);
    this.#results = new Int32Array(memory, 0, memory.byteLength >>> 2);
    this.#head = head >> 2;
    this.#tail = tail >> 2;
    this.#mask = this.#words[mask >> 2];
    this.#cqes = cqes >> 2;
  }

  /** Position of the first completion that has not been released, and behind the last there is. */
  get head(): number {
    return this.#words[this.#head];
  }
  get tail(): number {
    return this.#words[this.#tail];
  }

  /** Index of the completion at a position, for the following. */
  at(position: number): number {
    return this.#cqes + (position & this.#mask) * (CQE.bytes >> 2);
  }
  owner(at: number): number {
    return this.#words[at + (CQE.userData >> 2)];
  }
  purpose(at: number): number {
    return this.#words[at + (CQE.userData >> 2) + 1] & (PURPOSES - 1);
  }
  /** What the operation has kept in use, or 0. */
  descriptor(at: number): number {
    return this.#words[at + (CQE.userData >> 2) + 1] >>> PURPOSE_BITS;
  }
  /** What the operation returned; below 0 the number of an error, negated. */
  result(at: number): number {
    return this.#results[at + (CQE.result >> 2)];
  }
  flags(at: number): number {
    return this.#words[at + (CQE.flags >> 2)];
  }

  /** Gives the completion another purpose, such as that it has been dealt with. */
  setPurpose(at: number, purpose: number): void {
    this.#words[at + (CQE.userData >> 2) + 1] = tag(purpose, this.descriptor(at));
  }

  /** Gives back the completions before `position`. */
  release(position: number): void {
    this.#words[this.#head] = position;
  }
}
