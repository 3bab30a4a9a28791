/**
 * Which connections are let in when there are many, and which are closed for them. One address must not be able to lock
 * others out; so a new connection takes the place of one that has been idle for long, of the address that has most of those.
 */
import { Addresses, PROXIES } from "./addresses.ts";
import { Candidates } from "./candidates.ts";
import { NONE } from "./lists.ts";

/** What is decided about a new connection, if it is not the number of one that has to make room for it. */
export const VERDICT = {
  /** There is room. */
  welcome: -1,
  /** There is no room, and nobody to make some. */
  full: -2,
  /** Its address has its share of connections, none of which is idle. */
  overShare: -3,
} as const;

/** How it is with a connection. */
const STANDING = {
  absent: 0,
  /** The tracker has something to do for it: it is never closed for another. */
  busy: 1,
  /** Neither a request nor a reply is under way. */
  idle: 2,
  /** Half a request has come, or half a reply was taken: the other end is what is waited for. */
  slow: 3,
} as const;

/** How many there may be. */
export interface CrowdLimits {
  readonly maxConnections: number;
  /** Of one address, and of one /56 of IPv6. Proxies may have as many as there are. */
  readonly maxPerAddress: number;
}

/**
 * The connections of an engine, by numbers that the engine gives them. {@link NONE} is nobody's: it is ignored. All
 * operations take the same time.
 */
export class Crowd {
  /** Connections that are here. */
  count = 0;
  readonly #limits: CrowdLimits;
  readonly #addresses: Addresses;
  readonly #addressOf: Int32Array;
  readonly #standings: Uint8Array;
  readonly #idle: Candidates;
  readonly #slow: Candidates;

  /** @param numbers connections are numbered below this; at least as many as there may be. */
  constructor(limits: CrowdLimits, numbers: number) {
    this.#limits = limits;
    this.#addresses = new Addresses(numbers);
    this.#addressOf = new Int32Array(numbers);
    this.#standings = new Uint8Array(numbers);
    this.#idle = new Candidates(numbers, numbers + 1);
    this.#slow = new Candidates(numbers, numbers + 1);
  }

  /**
   * Decides about a new connection. Where a connection has to make room, {@link remove} it.
   * @param remote 16 bytes in network order, IPv4 as `::ffff:a.b.c.d`.
   * @param isProxy whether it comes from one that speaks for many clients.
   * @returns a {@link VERDICT}, or the number of the connection that has to make room.
   */
  judge(remote: Uint8Array, isProxy: boolean): number {
    const { maxConnections, maxPerAddress } = this.#limits;
    const address = isProxy ? NONE : this.#addresses.find(remote);
    if (address !== NONE && this.#addresses.counts[address] >= maxPerAddress) {
      const own = this.#idle.nextOf(address);
      return own === NONE ? VERDICT.overShare : own;
    }
    if (this.count < maxConnections) return VERDICT.welcome;
    const idle = this.#idle.next;
    if (idle !== NONE) return idle;
    const slow = this.#slow.next;
    return slow === NONE ? VERDICT.full : slow;
  }

  /** A connection has been let in. It is idle. */
  add(number: number, remote: Uint8Array, isProxy: boolean): void {
    const address = isProxy ? PROXIES : this.#addresses.enter(remote);
    if (isProxy) this.#addresses.counts[PROXIES]++;
    this.#addressOf[number] = address;
    this.#standings[number] = STANDING.idle;
    this.#idle.add(number, address);
    this.count++;
  }

  /** A connection is over, or about to be. One that is not here is ignored. */
  remove(number: number): void {
    if (!this.#leave(number)) return;
    this.#standings[number] = STANDING.absent;
    this.#addresses.leave(this.#addressOf[number]);
    this.count--;
  }

  /** The connection has been answered, and nothing more has come. */
  idle(number: number): void {
    if (this.#standings[number] === STANDING.idle) {
      this.#idle.renew(number, this.#addressOf[number]);
      return;
    }
    if (!this.#leave(number)) return;
    this.#standings[number] = STANDING.idle;
    this.#idle.add(number, this.#addressOf[number]);
  }

  /** The other end has to go on: with its request, or with reading the reply. What counts is when that began. */
  slow(number: number): void {
    if (this.#standings[number] === STANDING.slow || !this.#leave(number)) return;
    this.#standings[number] = STANDING.slow;
    this.#slow.add(number, this.#addressOf[number]);
  }

  /** The tracker has to go on. */
  busy(number: number): void {
    if (this.#leave(number)) this.#standings[number] = STANDING.busy;
  }

  /** @returns whether it is here. */
  #leave(number: number): boolean {
    if (number === NONE) return false;
    const standing = this.#standings[number];
    if (standing === STANDING.idle) this.#idle.remove(number, this.#addressOf[number]);
    if (standing === STANDING.slow) this.#slow.remove(number, this.#addressOf[number]);
    return standing !== STANDING.absent;
  }
}
