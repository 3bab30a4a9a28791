/**
 * When upstream trackers are due to be asked again, about a swarm or for a client. The control plane, which asks
 * them, writes this table in shared memory. The data plane reads it to decide, without waiting, whether a tracker has
 * to be asked. The table has a fixed size: a new entry replaces the one that is due first, and its tracker is then
 * asked earlier than necessary.
 *
 *     slot    tag; 0 in an empty slot
 *             when it is due, in seconds
 *             the interval of the tracker's reply, in seconds; 0: the tracker must not be asked before it is due, as it
 *             could not be reached, or told the client so
 *             of a swarm, word B of the peers learned from the tracker (store/layout/peer.ts): the tracker's number and the
 *             time until which they are kept; 0 if there are none
 *
 * A reader may see a slot that is half written. Then one announce is taken for due that is not, or the other way round;
 * the next announce is right again.
 */

const SLOT_WORDS = 4;
/** Slots in which a key can be. */
const WAYS = 4;
/** Slots of the table; a power of two. 4 MB. */
const SLOTS = 1 << 18;

/** The shared memory of the table. */
export type AskTimesData = Uint32Array<SharedArrayBuffer>;

/** Allocates an empty table. @param slots a power of two, at least 4. */
export function allocateAskTimes(slots = SLOTS): AskTimesData {
  return new Uint32Array(new SharedArrayBuffer(slots * SLOT_WORDS * 4));
}

/** Reads the table, on any thread. Only the control plane writes. */
export class AskTimes {
  /** The entry that {@link find} found. */
  due = 0;
  interval = 0;
  state = 0;
  readonly #words: AskTimesData;
  readonly #bucketMask: number;

  constructor(words: AskTimesData) {
    this.#words = words;
    this.#bucketMask = words.length / (SLOT_WORDS * WAYS) - 1;
  }

  /**
   * Looks up a key, which is two hashes.
   * @returns whether it was found: then {@link due}, {@link interval} and {@link state} are set.
   */
  find(place: number, tag: number): boolean {
    const slot = this.#slotOf(place, tag);
    if (slot < 0) return false;
    this.due = this.#words[slot + 1];
    this.interval = this.#words[slot + 2];
    this.state = this.#words[slot + 3];
    return true;
  }

  /** Writes an entry. @param state of a swarm: word B of its learned peers. */
  set(place: number, tag: number, due: number, interval: number, state = 0): void {
    const words = this.#words;
    let slot = this.#slotOf(place, tag);
    if (slot < 0) slot = this.#oldest(place);
    words[slot + 1] = due;
    words[slot + 2] = interval;
    words[slot + 3] = state;
    words[slot] = wordOf(tag);
  }

  #slotOf(place: number, tag: number): number {
    const words = this.#words;
    const word = wordOf(tag);
    const first = (place & this.#bucketMask) * WAYS * SLOT_WORDS;
    for (let slot = first; slot < first + WAYS * SLOT_WORDS; slot += SLOT_WORDS)
      if (words[slot] === word) return slot;
    return -1;
  }

  /** Returns the slot of the bucket that is due first. An empty slot is due at 0. */
  #oldest(place: number): number {
    const words = this.#words;
    const first = (place & this.#bucketMask) * WAYS * SLOT_WORDS;
    let oldest = first;
    for (let slot = first; slot < first + WAYS * SLOT_WORDS; slot += SLOT_WORDS)
      if (words[slot + 1] < words[oldest + 1]) oldest = slot;
    return oldest;
  }
}

/** Returns a tag that is not 0. */
function wordOf(tag: number): number {
  return tag === 0 ? 1 : tag >>> 0;
}
