/**
 * When external trackers are to be asked again: about a swarm, and for a client. Kept by the control plane, which asks;
 * looked at by the data plane, which so knows without waiting whether to have them asked. A table in shared memory that
 * forgets: what is due first makes room. Then somebody is asked once more than need be.
 *
 *     slot    tag (0 in an empty one), when it is due (seconds), the interval that the tracker named (seconds; 0: there is
 *             nothing to be had from it before it is due, as it could not be asked, or said so to the client), and of a
 *             swarm word B of the peers that the tracker last named (peer-record.ts): who it is and until when they are
 *             kept, or 0 when there are none
 *
 * A reader may see half of a slot that is being changed: it then takes one announce for due that is not, or not for
 * one that is. Both are small mistakes that mend themselves.
 */

const SLOT_WORDS = 4;
/** Slots that a key can be in. */
const WAYS = 4;
/** Slots of the table; a power of two. 4 MB. */
const SLOTS = 1 << 18;

/** The table's shared memory. */
export type AskTimesData = Uint32Array<SharedArrayBuffer>;

/** Allocates an empty table. @param slots a power of two, at least 4. */
export function allocateAskTimes(slots = SLOTS): AskTimesData {
  return new Uint32Array(new SharedArrayBuffer(slots * SLOT_WORDS * 4));
}

/** A thread's view of the table. Only the control plane writes. */
export class AskTimes {
  /** Of the key that was found. */
  due = 0;
  interval = 0;
  state = 0;
  readonly #words: AskTimesData;
  readonly #bucketMask: number;

  constructor(words: AskTimesData) {
    this.#words = words;
    this.#bucketMask = words.length / (SLOT_WORDS * WAYS) - 1;
  }

  /** Looks a key up: two hashes. @returns whether it is there; then {@link due}, {@link interval} and {@link state} are its. */
  find(place: number, tag: number): boolean {
    const slot = this.#slotOf(place, tag);
    if (slot < 0) return false;
    this.due = this.#words[slot + 1];
    this.interval = this.#words[slot + 2];
    this.state = this.#words[slot + 3];
    return true;
  }

  /** Notes when a key is due, by what interval, and of a swarm which peers there are. */
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

  /** The slot of its bucket that is due first; an empty one is due at 0. */
  #oldest(place: number): number {
    const words = this.#words;
    const first = (place & this.#bucketMask) * WAYS * SLOT_WORDS;
    let oldest = first;
    for (let slot = first; slot < first + WAYS * SLOT_WORDS; slot += SLOT_WORDS)
      if (words[slot + 1] < words[oldest + 1]) oldest = slot;
    return oldest;
  }
}

/** 0 is no tag. */
function wordOf(tag: number): number {
  return tag === 0 ? 1 : tag >>> 0;
}
