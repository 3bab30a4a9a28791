/** Clients that wait for the first answer of a neighbor about their swarm. The engine limits their number. */

/** The maximum time of a wait: the maximum of `tracker.neighbors_wait`, and a margin. */
const LONGEST_MS = 11_000;

interface Wait {
  /** The number of neighbors that have not settled yet. */
  left: number;
  readonly over: () => void;
  readonly untilMs: number;
}

/** The current waits by swarm. */
export class FirstAnswerWaits {
  readonly #waits = new Map<string, Wait>();

  /** The number of current waits. */
  get size(): number {
    return this.#waits.size;
  }

  /**
   * Begins a wait. It ends an earlier wait for the same swarm.
   * @param left the number of neighbors that are asked.
   * @param over called when the wait ends, once.
   */
  add(infoHash: Uint32Array, left: number, over: () => void, nowMs: number): void {
    const key = infoHash.join();
    this.#waits.get(key)?.over();
    this.#waits.delete(key);
    this.#waits.set(key, { left, over, untilMs: nowMs + LONGEST_MS });
  }

  /** Reports the result of one neighbor. The first answer ends the wait, and so does the last failure. */
  settle(infoHash: Uint32Array, answered: boolean): void {
    if (this.#waits.size === 0) return;
    const key = infoHash.join();
    const wait = this.#waits.get(key);
    if (wait === undefined) return;
    wait.left--;
    if (!answered && wait.left > 0) return;
    this.#waits.delete(key);
    wait.over();
  }

  /** Drops expired waits: a request may never have been sent. */
  forget(nowMs: number): void {
    for (const [key, { untilMs }] of this.#waits) {
      if (nowMs < untilMs) return;
      this.#waits.delete(key);
    }
  }
}
