/** The swarms that are to be looked at, in the order in which that was asked for, each once. */
import { INFO_HASH_BYTES, setInfoHashWords } from "../model/info-hash.ts";

/** Swarms that wait, at most. */
const PENDING_MAX = 65_536;

/** A queue. */
export class PendingSwarms {
  /** Swarms that were not added since there was no room: a round looks at them. */
  dropped = 0;
  readonly #waiting = new Set<string>();

  get size(): number {
    return this.#waiting.size;
  }

  /** Adds a swarm, unless it waits already. @param bytes begin with its info-hash. */
  add({ buffer, byteOffset }: Uint8Array): void {
    const key = Buffer.from(buffer, byteOffset, INFO_HASH_BYTES).toString("latin1");
    if (this.#waiting.size < PENDING_MAX) this.#waiting.add(key);
    else if (!this.#waiting.has(key)) this.dropped++;
  }

  /** Takes the first. @param infoHash receives its words. @returns false if there is none. */
  take(infoHash: Uint32Array): boolean {
    const { value, done } = this.#waiting.values().next();
    if (done === true) return false;
    this.#waiting.delete(value);
    setInfoHashWords(infoHash, 0, Buffer.from(value, "latin1"));
    return true;
  }
}
