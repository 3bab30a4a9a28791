/** The runs of peers with equal keys in the root of a large list (layout/list.ts). A root is named by its first word. */
import { CLASS_WORDS, type Heap } from "./heap.ts";
import {
  copyNextSegment,
  copySegments,
  crowdedCell,
  segmentCell,
  segmentCountCell,
  segmentKey,
  segmentWords,
  setSegmentKey,
} from "./layout/list.ts";
import type { Segments } from "./segments.ts";

/** Operations on the segments of roots. */
export class RootSegments {
  readonly #heap: Heap;
  readonly #words: Uint32Array<SharedArrayBuffer>;

  constructor(heap: Heap) {
    this.#heap = heap;
    this.#words = heap.words;
  }

  /** Removes all segments, and the note of a crowd. */
  clear(root: number): void {
    this.#words[this.countCell(root)] = 0;
    this.#words[this.crowdedCell(root)] = 0;
  }

  /** Copies all to another root. */
  copy(from: number, to: number): void {
    const count = segmentWords(this.#words[this.countCell(from)]);
    copySegments(this.#words, from + this.#wordsOf(from), to + this.#wordsOf(to), count);
  }

  /** The word that says whether the list is crowded. */
  crowdedCell(root: number): number {
    return crowdedCell(root, this.#wordsOf(root));
  }

  /** The word with the number of segments. */
  countCell(root: number): number {
    return segmentCountCell(root, this.#wordsOf(root));
  }

  /** The word with the number of a segment's peers. */
  cell(root: number, segment: number): number {
    return segmentCell(root, this.#wordsOf(root), segment);
  }

  /** The segment of a key, or -1. */
  find(root: number, key: number): number {
    const words = this.#words;
    const segments = words[this.countCell(root)];
    for (let i = 0; i < segments; i++) if (segmentKey(words, this.cell(root, i)) === key) return i;
    return -1;
  }

  /** Appends an empty segment. The root must have room for it. */
  add(root: number, key: number): number {
    const segment = this.#words[this.countCell(root)]++;
    const cell = this.cell(root, segment);
    this.#words[cell] = 0;
    setSegmentKey(this.#words, cell, key);
    return segment;
  }

  /** Removes a segment that has become empty. */
  drop(root: number, segment: number): void {
    const segments = --this.#words[this.countCell(root)];
    for (let i = segment; i < segments; i++) copyNextSegment(this.#words, this.cell(root, i));
  }

  /** Reads all segments. */
  load(root: number, out: Segments): void {
    const words = this.#words;
    const count = words[this.countCell(root)];
    out.clear();
    for (let i = 0; i < count; i++) {
      const cell = this.cell(root, i);
      out.append(segmentKey(words, cell), words[cell]);
    }
  }

  #wordsOf(root: number): number {
    return CLASS_WORDS[this.#heap.classOf(root)];
  }
}
