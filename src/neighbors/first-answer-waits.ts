/** Clients that wait for the first neighbor's answer about their torrent. How many can is the engine's limit. */

/** The longest that anybody waits: the most that `neighbors_wait` can be, and some more. */
const LONGEST_MS = 11_000;

interface Wait {
  /** NeighborSet that may still answer. */
  left: number;
  readonly over: () => void;
  readonly untilMs: number;
}

/** Who waits, by swarm. */
export class FirstAnswerWaits {
  readonly #waits = new Map<string, Wait>();

  /**
   * Somebody waits. Of a swarm that one waits for already, the earlier wait is over.
   * @param left neighbors that are asked.
   * @param over called once.
   */
  add(infoHash: Uint32Array, left: number, over: () => void, nowMs: number): void {
    const key = infoHash.join();
    this.#waits.get(key)?.over();
    this.#waits.delete(key);
    this.#waits.set(key, { left, over, untilMs: nowMs + LONGEST_MS });
  }

  /** A neighbor has been asked. The first that has answered ends the wait, and the last that has not. */
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

  /** Forgets whoever does not wait any longer: nobody may have had the time to ask. */
  forget(nowMs: number): void {
    for (const [key, { untilMs }] of this.#waits) {
      if (nowMs < untilMs) return;
      this.#waits.delete(key);
    }
  }
}
