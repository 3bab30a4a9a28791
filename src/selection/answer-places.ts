/**
 * Counts the places of each household in one answer: a table of fixed size, indexed by a keyed hash. Households with
 * the same counter share their places. None of them loses anything, since free places are filled with the peers
 * passed over.
 */
import { FAIR_PLACES } from "../store/household.ts";

/** Counters: many times as many as an answer has places. */
const COUNTERS = 4096;

/** Counts the answers of one thread, one after the other. */
export class AnswerPlaces {
  readonly #counts = new Uint8Array(COUNTERS);
  /** The answer that a counter was last used for: there is nothing to be cleared between two. */
  readonly #answers = new Int32Array(COUNTERS);
  #answer = 0;

  /** Begins another answer. */
  begin(): void {
    this.#answer = (this.#answer + 1) | 0;
  }

  /**
   * Gives the household a place, unless it has {@link FAIR_PLACES} already.
   * @param hash of the household (household.ts).
   * @returns whether it did.
   */
  take(hash: number): boolean {
    const at = hash & (COUNTERS - 1);
    if (this.#answers[at] !== this.#answer) {
      this.#answers[at] = this.#answer;
      this.#counts[at] = 0;
    }
    if (this.#counts[at] === FAIR_PLACES) return false;
    this.#counts[at]++;
    return true;
  }
}
