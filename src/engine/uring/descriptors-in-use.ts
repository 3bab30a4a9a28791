/**
 * Counts the operations in flight on each descriptor. The number of a closed descriptor is reused for the next one that
 * any thread opens. An operation that starts late would then run on another client's connection.
 */

/** Initial number of entries. */
const FIRST_ROOM = 1024;

/** Counts by descriptor. A descriptor has a few operations at most. */
export class DescriptorsInUse {
  /** Operations in flight on all descriptors. */
  total = 0;
  #counts = new Uint8Array(FIRST_ROOM);

  /** Counts an operation. */
  begin(fd: number): void {
    if (fd >= this.#counts.length) this.#grow(fd);
    this.#counts[fd]++;
    this.total++;
  }

  /** Removes a completed operation. */
  end(fd: number): void {
    this.#counts[fd]--;
    this.total--;
  }

  /** Whether an operation is in flight. */
  has(fd: number): boolean {
    return fd < this.#counts.length && this.#counts[fd] > 0;
  }

  #grow(fd: number): void {
    const grown = new Uint8Array(2 ** Math.ceil(Math.log2(fd + 1)));
    grown.set(this.#counts);
    this.#counts = grown;
  }
}
