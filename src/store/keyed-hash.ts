/**
 * HalfSipHash-1-3 with a 32-bit result (Aumasson, Bernstein 2012; Linux calls this variant hsiphash). Every process has a
 * new random key. Clients choose info-hashes, addresses and ports, and must not be able to choose collisions.
 */
export class KeyedHash {
  readonly #k0: number;
  readonly #k1: number;

  constructor(k0: number, k1: number) {
    this.#k0 = k0 | 0;
    this.#k1 = k1 | 0;
  }

  /**
   * Hashes `count` words from `offset` on, and one more, `last`.
   * @returns a signed 32-bit integer: V8 would allocate half of all unsigned ones.
   */
  hash(words: Uint32Array, offset: number, count: number, last: number): number {
    let v0 = this.#k0;
    let v1 = this.#k1;
    let v2 = 0x6c796765 ^ this.#k0;
    let v3 = 0x74656462 ^ this.#k1;
    // One round for each word of the message, one for its length, three to finish.
    for (let round = 0; round < count + 5; round++) {
      const message = round < count ? words[offset + round] : round === count ? last : 0;
      const length = round === count + 1 ? (count + 1) << 26 : 0;
      if (round === count + 2) v2 ^= 0xff;
      v3 ^= message ^ length;
      v0 = (v0 + v1) | 0;
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
      v0 = (v0 << 16) | (v0 >>> 16);
      v2 = (v2 + v3) | 0;
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
      v0 = (v0 + v3) | 0;
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
      v2 = (v2 + v1) | 0;
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
      v2 = (v2 << 16) | (v2 >>> 16);
      v0 ^= message ^ length;
    }
    return v1 ^ v3;
  }
}
