/**
 * Connection ids of the UDP protocol (BEP 15). A client that sends a valid id has received a datagram at its address,
 * so the address is not forged. The tracker stores no ids: an id is a keyed hash of the address and the minute, which
 * only this process can compute.
 *
 * - **Strength.** An id is 62 bits of two HalfSipHashes. An attacker with a few ids of his own could search for a
 *   64-bit key, so each hash has two more secret words in its message: 128 bits have to be guessed together. Guessing
 *   an id instead takes 2^62 datagrams within three minutes. The secrets are random, and stay the same only when a
 *   service is restarted.
 * - **The address, not the port.** A NAT may give a client another port between two datagrams, so the port would refuse
 *   valid clients. It would not stop an attacker who shares the client's address: he can request an id at any time.
 * - **Time.** Two bits of an id say which minute it is from: the present one, one of the two before, or the next, as
 *   the clock of another worker may be a tick ahead. So an id is valid for two to three minutes; some clients use one
 *   for longer than the minute that BEP 15 allows. The cost of a check is constant.
 */
import type { Address } from "../model/address.ts";
import { KeyedHash } from "../store/keyed-hash.ts";
import type { Clock } from "../tracker/tracker-options.ts";

/** The number of random words that ids are made with, the same for all workers. */
export const CONNECTION_SECRET_WORDS = 8;

const EPOCH_SECONDS = 60;
/** The bits of an id that hold its epoch, modulo 4. */
const EPOCH_BITS = 3;

/** The hashed words: epoch, a secret word and the address. Another secret word is passed as the last word. */
const EPOCH = 0;
const SECRET = 1;
const ADDRESS = 2;
const MESSAGE_WORDS = ADDRESS + 4;

/** Makes and checks connection ids. One for each worker. */
export class ConnectionIds {
  /** The id that was made last, in two signed words. */
  high = 0;
  low = 0;
  readonly #clock: Clock;
  readonly #secret: Uint32Array;
  readonly #highHash: KeyedHash;
  readonly #lowHash: KeyedHash;
  readonly #message = new Uint32Array(MESSAGE_WORDS);

  /** @param secret {@link CONNECTION_SECRET_WORDS} random words. */
  constructor(secret: readonly number[], clock: Clock) {
    this.#clock = clock;
    this.#secret = Uint32Array.from(secret);
    this.#highHash = new KeyedHash(secret[0], secret[1]);
    this.#lowHash = new KeyedHash(secret[2], secret[3]);
  }

  /** Makes an id for an address: {@link high} and {@link low}. */
  make(address: Address): void {
    this.#compute(address, Math.floor(this.#clock.seconds / EPOCH_SECONDS));
  }

  /** Whether this id is valid for the address. */
  accepts(address: Address, high: number, low: number): boolean {
    const latest = Math.floor(this.#clock.seconds / EPOCH_SECONDS) + 1;
    this.#compute(address, latest - ((latest - low) & EPOCH_BITS));
    return ((this.high ^ high) | (this.low ^ low)) === 0;
  }

  #compute({ family, words }: Address, epoch: number): void {
    const message = this.#message;
    const secret = this.#secret;
    // An IPv4 address has one word. Every word that is hashed takes a round of each hash.
    const addressWords = family === 4 ? 1 : 4;
    const count = ADDRESS + addressWords;
    for (let i = 0; i < addressWords; i++) message[ADDRESS + i] = words[i];
    // An IPv4 address and an IPv6 address may have the same words.
    message[EPOCH] = epoch * 2 + (family === 4 ? 0 : 1);
    message[SECRET] = secret[4];
    this.high = this.#highHash.hash(message, 0, count, secret[5]);
    message[SECRET] = secret[6];
    const low = this.#lowHash.hash(message, 0, count, secret[7]);
    this.low = (low & ~EPOCH_BITS) | (epoch & EPOCH_BITS);
  }
}
