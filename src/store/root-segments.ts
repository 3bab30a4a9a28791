/**
 * The part of a large list's root (large-list.ts) that holds its segments, the runs of peers with equal keys. It
 * grows from the end of the block towards the front:
 *
 *     … [segment 1: count, key] [segment 0: count, key] [segments] [crowded]
 */
import { CLASS_WORDS, type Heap } from "./heap.ts";
import type { Segments } from "./segments.ts";

/** Words besides those of each segment. */
const FIXED_WORDS = 2;

/** Operations on the segments of roots. A root is named by its first word. */
export class RootSegments {
  readonly #heap: Heap;
  readonly #words: Uint32Array<SharedArrayBuffer>;

  constructor(heap: Heap) {
    this.#heap = heap;
    this.#words = heap.words;
  }

  /** Words that so many segments take. */
  static words(segments: number): number {
    return FIXED_WORDS + 2 * segments;
  }

  /** Makes it none, in a list that is not crowded. */
  clear(root: number): void {
    this.#words[this.countCell(root)] = 0;
    this.#words[this.crowdedCell(root)] = 0;
  }

  /** Copies all to another root. */
  copy(from: number, to: number): void {
    const words = this.#words;
    const source = this.crowdedCell(from);
    const target = this.crowdedCell(to);
    const count = RootSegments.words(words[this.countCell(from)]);
    for (let i = 0; i < count; i++) words[target - i] = words[source - i];
  }

  /** The word that says whether the list is crowded. */
  crowdedCell(root: number): number {
    return root + CLASS_WORDS[this.#heap.classOf(root)] - 1;
  }

  /** The word with the number of segments. */
  countCell(root: number): number {
    return root + CLASS_WORDS[this.#heap.classOf(root)] - FIXED_WORDS;
  }

  /** The word with the segment's count; its key is in the next. */
  cell(root: number, segment: number): number {
    return this.countCell(root) - 2 - 2 * segment;
  }

  /** The segment of a key, or -1. */
  find(root: number, key: number): number {
    const words = this.#words;
    const segments = words[this.countCell(root)];
    for (let i = 0; i < segments; i++) if (words[this.cell(root, i) + 1] === key) return i;
    return -1;
  }

  /** Appends an empty segment, for which there is room. */
  add(root: number, key: number): number {
    const segment = this.#words[this.countCell(root)]++;
    this.#words[this.cell(root, segment)] = 0;
    this.#words[this.cell(root, segment) + 1] = key;
    return segment;
  }

  /** Removes a segment that has become empty. */
  drop(root: number, segment: number): void {
    const words = this.#words;
    const segments = --words[this.countCell(root)];
    for (let i = segment; i < segments; i++) {
      const at = this.cell(root, i);
      words[at] = words[at - 2];
      words[at + 1] = words[at - 1];
    }
  }

  /** Reads them all. */
  load(root: number, out: Segments): void {
    const words = this.#words;
    const count = words[this.countCell(root)];
    out.count = 0;
    for (let i = 0; i < count; i++) {
      const at = this.cell(root, i);
      out.append(words[at + 1], words[at]);
    }
  }
}
