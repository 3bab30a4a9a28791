/**
 * Who has which piece of the file. A simulated file has as many pieces as two words have bits: few enough to be quick,
 * enough for peers to have different ones.
 */
import type { Random } from "../../src/model/random.ts";

/** Pieces of every file. */
export const PIECES = 64;
const HALF = 32;

/** The pieces of all peers of a swarm, by the peer's number. */
export class Pieces {
  /** Bytes of a piece, a whole number: the file's size is {@link PIECES} times that. */
  readonly pieceBytes: number;
  readonly #low: Uint32Array;
  readonly #high: Uint32Array;
  /** Bytes that each peer has of each piece. */
  readonly #bytes: Float64Array;
  /** How many of a peer's connected peers have each piece. */
  readonly #copies: Uint16Array;
  readonly #left: Float64Array;
  readonly #random: Random;

  constructor(peers: number, fileBytes: number, random: Random) {
    this.pieceBytes = Math.max(1, Math.round(fileBytes / PIECES));
    this.#low = new Uint32Array(peers);
    this.#high = new Uint32Array(peers);
    this.#bytes = new Float64Array(peers * PIECES);
    this.#copies = new Uint16Array(peers * PIECES);
    this.#left = new Float64Array(peers).fill(this.pieceBytes * PIECES);
    this.#random = random;
  }

  /** Bytes that a peer still needs. */
  left(peer: number): number {
    return this.#left[peer];
  }

  /** Gives a peer the whole file. */
  complete(peer: number): void {
    this.#low[peer] = 0xffffffff;
    this.#high[peer] = 0xffffffff;
    this.#left[peer] = 0;
  }

  /** Whether a peer has a piece that another lacks. */
  interests(from: number, to: number): boolean {
    return (this.#low[from] & ~this.#low[to]) !== 0 || (this.#high[from] & ~this.#high[to]) !== 0;
  }

  /** `one` begins (`step` 1) or ceases (-1) to see what `other` has. */
  see(one: number, other: number, step: 1 | -1): void {
    if ((this.#low[other] | this.#high[other]) === 0) return;
    for (let piece = 0; piece < PIECES; piece++) {
      if (this.has(other, piece)) this.#copies[one * PIECES + piece] += step;
    }
  }

  /** `one`, which sees the owner, learns that there is another copy of a piece. */
  announceCopy(one: number, piece: number): void {
    this.#copies[one * PIECES + piece]++;
  }

  /**
   * The piece that `to` fetches from `from`: the one it has most of, so that it can soon be passed on, else the one
   * that it sees fewest copies of. -1 when there is none.
   */
  choose(from: number, to: number): number {
    const low = this.#low[from] & ~this.#low[to];
    const high = this.#high[from] & ~this.#high[to];
    let best = -1;
    let bestRank = Number.POSITIVE_INFINITY;
    for (let piece = 0; piece < PIECES; piece++) {
      if ((((piece < HALF ? low : high) >>> (piece & (HALF - 1))) & 1) === 0) continue;
      const at = to * PIECES + piece;
      const begun = this.#bytes[at];
      const rank = begun > 0 ? -begun : this.#copies[at] + this.#random.fraction();
      if (rank < bestRank) {
        best = piece;
        bestRank = rank;
      }
    }
    return best;
  }

  /** Adds up to so many bytes to a peer's piece. @returns how many were missing, at most `bytes`. */
  add(peer: number, piece: number, bytes: number): number {
    const at = peer * PIECES + piece;
    const taken = Math.min(bytes, this.pieceBytes - this.#bytes[at]);
    this.#bytes[at] += taken;
    this.#left[peer] -= taken;
    if (this.#bytes[at] === this.pieceBytes) {
      const half = piece < HALF ? this.#low : this.#high;
      half[peer] |= 1 << (piece & (HALF - 1));
    }
    return taken;
  }

  /** Whether a peer has all of a piece. */
  has(peer: number, piece: number): boolean {
    const half = piece < HALF ? this.#low : this.#high;
    return ((half[peer] >>> (piece & (HALF - 1))) & 1) !== 0;
  }
}
