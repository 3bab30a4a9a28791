/**
 * Counts the places of each household in one answer, in a table of fixed size with a keyed hash as index. Households
 * with the same index share one counter. Free places are filled with the peers passed over, so this loses no peers.
 */
import { FAIR_PLACES } from "../store/household.ts";

/** The number of counters, many times the places of an answer. */
const COUNTERS = 4096;

/** Counts places. One for each thread, reused for every answer. */
export class AnswerPlaces {
  readonly #counts = new Uint8Array(COUNTERS);
  /** The answer for which each counter was last used. So the counters need not be cleared between answers. */
  readonly #answers = new Int32Array(COUNTERS);
  #answer = 0;

  /** Begins the next answer. */
  begin(): void {
    this.#answer = (this.#answer + 1) | 0;
  }

  /**
   * Takes a place for a household, unless it has {@link FAIR_PLACES} already.
   * @param hash of the household (household.ts).
   * @returns whether the place was taken.
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
