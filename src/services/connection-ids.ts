/**
 * Connection ids of the UDP protocol (BEP 15): whoever can show one has received a datagram at its address, and so is
 * not somebody else who wrote that address on his own datagrams. Nothing is remembered of whom they were given to: an
 * id is a keyed hash of the address and the minute, which only this process can compute.
 *
 * - **Strength.** An id is 62 bits of two HalfSipHashes. Its 64-bit key alone could be searched for by whoever has a few
 *   ids of his own, so each hash has two more secret words in its message: 128 bits that must be guessed together.
 *   Guessing an id instead takes 2^62 datagrams within three minutes. The secrets are random, and stay the same only when
 *   a service is restarted.
 * - **The address, not the port.** A NAT may give a client another port between two datagrams, and who shares its
 *   address can ask for an id of his own at any time: the port would refuse the former and not hinder the latter.
 * - **Time.** An id says in two bits which minute it is from, of those it can be from: this one, the two before, or the
 *   next, as the clock of another worker may be a tick ahead. So it is good for two to three minutes, which is what
 *   clients need that use one for longer than the minute they should, and checking always costs the same.
 */
import type { Address } from "../model/address.ts";
import { KeyedHash } from "../store/keyed-hash.ts";
import type { Clock } from "../tracker/tracker.ts";

/** Random words that ids are made with, the same for all workers. */
export const CONNECTION_SECRET_WORDS = 8;

const EPOCH_SECONDS = 60;
/** The bits of an id that say which epoch it is from. */
const EPOCH_BITS = 3;

/** Words that are hashed: the address, the epoch, and one of the secret ones; another is the hash's last. */
const ADDRESS_WORDS = 4;
const EPOCH = ADDRESS_WORDS;
const SECRET = EPOCH + 1;
const MESSAGE_WORDS = SECRET + 1;

/** Gives connection ids and checks them. One for each thread. */
export class ConnectionIds {
  /** The id that was last given, in two words, signed. */
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

  /** Gives an address an id: {@link high} and {@link low}. */
  give(address: Address): void {
    this.#compute(address, Math.floor(this.#clock.seconds / EPOCH_SECONDS));
  }

  /** Whether the address was given this id lately. */
  accepts(address: Address, high: number, low: number): boolean {
    const latest = Math.floor(this.#clock.seconds / EPOCH_SECONDS) + 1;
    this.#compute(address, latest - ((latest - low) & EPOCH_BITS));
    return ((this.high ^ high) | (this.low ^ low)) === 0;
  }

  #compute({ family, words }: Address, epoch: number): void {
    const message = this.#message;
    const secret = this.#secret;
    for (let i = 0; i < ADDRESS_WORDS; i++) message[i] = words[i];
    // An IPv4 address and an IPv6 address may have the same words.
    message[EPOCH] = epoch * 2 + (family === 4 ? 0 : 1);
    message[SECRET] = secret[4];
    this.high = this.#highHash.hash(message, 0, MESSAGE_WORDS, secret[5]);
    message[SECRET] = secret[6];
    const low = this.#lowHash.hash(message, 0, MESSAGE_WORDS, secret[7]);
    this.low = (low & ~EPOCH_BITS) | (epoch & EPOCH_BITS);
  }
}
