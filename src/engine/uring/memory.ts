/**
 * Memory shared with the kernel, outside the JavaScript heap. It is addressed by offsets; all arithmetic on addresses
 * is in this file.
 */
import { mmap, munmap, type Pointer, systemError, viewMemory } from "./libc.ts";

const PROTECTION_READ_WRITE = 3;
const MAP = { shared: 0x1, private: 0x2, anonymous: 0x20, populate: 0x8000 } as const;
const FAILED = 2n ** 64n - 1n;
const WORD = 2 ** 32;

const mapped = new Set<Memory>();

/** A mapped region. Views of it must not be used after it is unmapped. */
export class Memory {
  readonly length: number;
  readonly bytes: Uint8Array;
  /** The same memory as 16-bit and 32-bit integers, in the machine's byte order. */
  readonly halves: Uint16Array;
  readonly words: Uint32Array;
  readonly ints: Int32Array;
  readonly at: bigint;
  readonly #low: number;
  readonly #high: number;

  /** Maps `length` bytes of anonymous memory, all 0, allocated on first use. @throws SystemError */
  static allocate(length: number): Memory {
    return new Memory(length, MAP.private | MAP.anonymous, -1, 0);
  }

  /** Maps memory of a descriptor, such as a ring. @param offset selects the region. @throws SystemError */
  static map(fd: number, length: number, offset: number): Memory {
    return new Memory(length, MAP.shared | MAP.populate, fd, offset);
  }

  /** All regions that are mapped on this thread. */
  static mapped(): Memory[] {
    return [...mapped];
  }

  private constructor(length: number, flags: number, fd: number, offset: number) {
    const at = mmap(null, length, PROTECTION_READ_WRITE, flags, fd, offset);
    if (at === FAILED) throw systemError(`mmap of ${length} bytes`);
    const view = viewMemory(at, length);
    this.length = length;
    this.bytes = new Uint8Array(view);
    this.halves = new Uint16Array(view, 0, length >>> 1);
    this.words = new Uint32Array(view, 0, length >>> 2);
    this.ints = new Int32Array(view, 0, length >>> 2);
    this.at = at;
    this.#low = Number(at & 0xffffffffn);
    this.#high = Number(at >> 32n);
    mapped.add(this);
  }

  /** A pointer to the byte at `offset`, for a system call. It is a bigint: create it once and keep it. */
  pointerTo(offset: number): Pointer {
    return this.at + BigInt(offset);
  }

  /** Low and high word of the address of the byte at `offset`, for structures with pointers. */
  lowAddress(offset: number): number {
    return (this.#low + offset) >>> 0;
  }
  highAddress(offset: number): number {
    return this.#low + offset >= WORD ? this.#high + 1 : this.#high;
  }

  /** Writes a pointer to `target`'s byte at `offset` into the two words from `word` on. */
  writePointer(word: number, target: Memory, offset: number): void {
    this.words[word] = target.lowAddress(offset);
    this.words[word + 1] = target.highAddress(offset);
  }

  /** Unmaps the region. */
  unmap(): void {
    munmap(this.at, this.length);
    mapped.delete(this);
  }
}
