/**
 * How many operations are in flight on each descriptor. A number that is closed is given to whoever opens the next
 * descriptor, on any thread: an operation that comes to it late would be carried out on a connection of somebody else.
 */

/** Descriptors there is room for at first. */
const FIRST_ROOM = 1024;

/** Counts by descriptor. One has a handful of operations at most. */
export class DescriptorsInUse {
  /** Operations in flight on all of them. */
  total = 0;
  #counts = new Uint8Array(FIRST_ROOM);

  /** Another operation is in flight on a descriptor. */
  begin(fd: number): void {
    if (fd >= this.#counts.length) this.#grow(fd);
    this.#counts[fd]++;
    this.total++;
  }

  /** One is over. */
  end(fd: number): void {
    this.#counts[fd]--;
    this.total--;
  }

  /** Whether any is in flight. */
  has(fd: number): boolean {
    return fd < this.#counts.length && this.#counts[fd] > 0;
  }

  #grow(fd: number): void {
    const grown = new Uint8Array(2 ** Math.ceil(Math.log2(fd + 1)));
    grown.set(this.#counts);
    this.#counts = grown;
  }
}
