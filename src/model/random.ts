/**
 * A fast random number generator for selecting peers and spreading intervals: xoshiro128** (Blackman and Vigna 2018).
 * Not for secrets. The seed is passed in, so that tests can repeat a run.
 */
export class Random {
  readonly #state = new Uint32Array(4);

  /** @param seed four words, not all zero. */
  constructor(seed: ArrayLike<number>) {
    for (let i = 0; i < 4; i++) this.#state[i] = seed[i];
    if ((this.#state[0] | this.#state[1] | this.#state[2] | this.#state[3]) === 0) this.#state[0] = 1;
  }

  /** The next 32 random bits, as an unsigned integer. */
  next(): number {
    const s = this.#state;
    const s1 = s[1];
    let result = Math.imul(s1, 5);
    result = Math.imul((result << 7) | (result >>> 25), 9);
    s[2] ^= s[0];
    s[3] ^= s1;
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= s1 << 9;
    s[3] = (s[3] << 11) | (s[3] >>> 21);
    return result >>> 0;
  }

  /** A uniform integer in `[0, bound)`; `bound` up to 2^31. The bias is below 2^-22 for the bounds in use. */
  below(bound: number): number {
    return Math.floor(this.fraction() * bound);
  }

  /** A uniform number in `[0, 1)`, in steps of 2^-32. */
  fraction(): number {
    return this.next() / 0x100000000;
  }
}
