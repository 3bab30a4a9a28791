/** Which swarms are gated when there are too many: those with the most downloaders at home save the most. */

/** Downloaders are counted up to this number. */
const LEECHERS_MAX = 4096;

/** Counts the swarms of one scan by their downloaders. */
export class Savings {
  /** Swarms with fewer downloaders at home are not gated. */
  least = 0;
  /** Swarms, and their endpoints, by downloaders. */
  readonly #swarms = new Uint32Array(LEECHERS_MAX);
  readonly #endpoints = new Float64Array(LEECHERS_MAX);

  /** Adds a swarm that could be gated. */
  add(leechers: number, endpoints: number): void {
    const at = Math.min(leechers, LEECHERS_MAX - 1);
    this.#swarms[at]++;
    this.#endpoints[at] += endpoints;
  }

  /** Finds {@link least} by what was added since the last call. */
  finish(maxSwarms: number, maxEndpoints: number): void {
    let swarms = 0;
    let endpoints = 0;
    let least = LEECHERS_MAX;
    while (least > 0) {
      swarms += this.#swarms[least - 1];
      endpoints += this.#endpoints[least - 1];
      if (swarms > maxSwarms || endpoints > maxEndpoints) break;
      least--;
    }
    // The largest swarms are gated as far as there is room, whatever they take.
    this.least = Math.min(least, LEECHERS_MAX - 1);
    this.#swarms.fill(0);
    this.#endpoints.fill(0);
  }
}
