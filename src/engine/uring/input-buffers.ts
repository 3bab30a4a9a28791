/** The buffers from which the kernel picks one for what it receives. */
import { BUFFER } from "./layouts.ts";
import { Memory } from "./memory.ts";
import type { Ring } from "./ring.ts";

/** How many there are; they are given back within the turn in which they were filled. A power of two. */
const COUNT = 512;

/** Requests are shorter, but for very few; so many pipelined ones come together. */
const BUFFER_BYTES = 8192;

/** A ring of buffers that is registered with a {@link Ring}. */
export class InputBuffers {
  /** The memory of all: buffer `id` begins at {@link offsetOf}. */
  readonly bytes: Buffer;
  readonly group: number;
  readonly #ring = Memory.allocate(COUNT * BUFFER.bytes);
  readonly #memory = Memory.allocate(COUNT * BUFFER_BYTES);
  #tail = 0;

  /** @throws SystemError */
  constructor(ring: Ring, group: number) {
    this.group = group;
    const { buffer, byteOffset, length } = this.#memory.bytes;
    this.bytes = Buffer.from(buffer, byteOffset, length);
    ring.registerBuffers(this.#ring, COUNT, group);
    for (let id = 0; id < COUNT; id++) this.give(id);
  }

  /** Where a buffer begins. */
  offsetOf(id: number): number {
    return id * BUFFER_BYTES;
  }

  /** Gives a buffer back to the kernel. */
  give(id: number): void {
    const { words, halves } = this.#ring;
    const entry = (this.#tail & (COUNT - 1)) * BUFFER.bytes;
    const offset = this.offsetOf(id);
    words[(entry + BUFFER.address) >> 2] = this.#memory.lowAddress(offset);
    words[((entry + BUFFER.address) >> 2) + 1] = this.#memory.highAddress(offset);
    words[(entry + BUFFER.length) >> 2] = BUFFER_BYTES;
    halves[(entry + BUFFER.id) >> 1] = id;
    this.#tail = (this.#tail + 1) & 0xffff;
    halves[BUFFER.tail >> 1] = this.#tail;
  }

  /** Unmaps them, once the ring is closed. */
  close(): void {
    this.#ring.unmap();
    this.#memory.unmap();
  }
}
