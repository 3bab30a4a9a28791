/** Endpoints whose connections a router is to cut. */
import { CUT_SECONDS, CUT_SIZE } from "./nft-lists.ts";

/** Endpoints in one window. Those of two windows have a place in the router's sets. */
const WINDOW_MAX = CUT_SIZE / 2;

/** Endpoints that wait. There is room for so many in each window: the connections of the others go on. */
export class CutQueue {
  readonly #now: () => number;
  #waiting: string[] = [];
  #windowEnd = 0;
  #count = 0;

  /** @param now seconds. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Adds endpoints. */
  add(endpoints: readonly string[]): void {
    const now = this.#now();
    if (now >= this.#windowEnd) {
      this.#windowEnd = now + CUT_SECONDS;
      this.#count = 0;
    }
    for (const endpoint of endpoints) {
      if (this.#count >= WINDOW_MAX) return;
      this.#count++;
      this.#waiting.push(endpoint);
    }
  }

  /** Takes up to so many. */
  take(most: number): string[] {
    return this.#waiting.splice(0, most);
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  /** Forgets those that wait. */
  clear(): void {
    this.#waiting = [];
  }
}
