/** The buffers from which the kernel selects one for each receive (provided buffers). */
import { BUFFER } from "./layouts.ts";
import { Memory } from "./memory.ts";
import type { Ring } from "./ring.ts";

/** Number of buffers, a power of two. Each is released within the turn in which it was filled. */
const COUNT = 512;

/** Larger than almost all requests; several pipelined ones arrive together. */
const BUFFER_BYTES = 8192;

/** A ring of buffers, registered with a {@link Ring}. */
export class InputBuffers {
  /** The memory of all buffers: buffer `id` starts at {@link offsetOf}. */
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
    for (let id = 0; id < COUNT; id++) this.release(id);
  }

  /** Offset of a buffer. */
  offsetOf(id: number): number {
    return id * BUFFER_BYTES;
  }

  /** Returns a buffer to the kernel. */
  release(id: number): void {
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

  /** Unmaps the memory. Called after the ring is closed. */
  close(): void {
    this.#ring.unmap();
    this.#memory.unmap();
  }
}
