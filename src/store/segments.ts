import { KEYS } from "./layout/key.ts";

/**
 * The runs of peers with the same key in one list. A list is read into this scratch memory, so that selection does not
 * depend on the layout of lists. The runs cover all positions of the list, in order.
 */
export class Segments {
  count = 0;
  readonly keys = new Uint16Array(KEYS);
  readonly starts = new Uint32Array(KEYS);
  readonly counts = new Uint32Array(KEYS);
  /** The position after the last run. */
  #end = 0;

  /** Removes all runs. */
  clear(): void {
    this.count = 0;
    this.#end = 0;
  }

  /** Appends a run that begins at the end of the last one. */
  append(key: number, count: number): void {
    const i = this.count++;
    this.keys[i] = key;
    this.starts[i] = this.#end;
    this.counts[i] = count;
    this.#end += count;
  }

  /** Whether a position is in a run. */
  holds(segment: number, position: number): boolean {
    const offset = position - this.starts[segment];
    return offset >= 0 && offset < this.counts[segment];
  }
}
