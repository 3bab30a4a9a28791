/**
 * Limits connections, in total and by address. A single address must not be able to lock out others. So a new
 * connection displaces the longest idle one of the address with the most idle connections.
 */
import { AddressCounts, PROXIES } from "./address-counts.ts";
import { DisplacementOrder } from "./displacement-order.ts";
import { NONE } from "./linked-lists.ts";

/** The result of {@link ConnectionLimiter.decide}, if it is not the number of the connection to displace. */
export const VERDICT = {
  /** There is room. */
  accept: -1,
  /** The limit is reached, and no connection can be displaced. */
  full: -2,
  /** The limit of its address is reached, and none of that address's connections is idle. */
  overShare: -3,
} as const;

/** The activity of a connection. */
const ACTIVITY = {
  absent: 0,
  /** The tracker has work to do for it: it is never displaced. */
  busy: 1,
  /** Neither a request nor a reply is in progress. */
  idle: 2,
  /** A request or reply is incomplete, and waits for the client. */
  slow: 3,
} as const;

/** The limits on open connections. */
export interface ConnectionLimits {
  readonly maxConnections: number;
  /** Per IPv4 address, and per IPv6 /56. Proxies are exempt. */
  readonly maxPerAddress: number;
}

/**
 * The connections of an engine, by the numbers that the engine assigns. {@link NONE} is ignored. All operations take
 * constant time.
 */
export class ConnectionLimiter {
  /** Open connections. */
  count = 0;
  readonly #limits: ConnectionLimits;
  readonly #addresses: AddressCounts;
  readonly #addressOf: Int32Array;
  readonly #activities: Uint8Array;
  readonly #idle: DisplacementOrder;
  readonly #slow: DisplacementOrder;

  /** @param numbers upper bound of connection numbers; at least `maxConnections`. */
  constructor(limits: ConnectionLimits, numbers: number) {
    this.#limits = limits;
    this.#addresses = new AddressCounts(numbers);
    this.#addressOf = new Int32Array(numbers);
    this.#activities = new Uint8Array(numbers);
    this.#idle = new DisplacementOrder(numbers, numbers + 1);
    this.#slow = new DisplacementOrder(numbers, numbers + 1);
  }

  /**
   * Decides about a new connection. The caller then calls {@link remove} for a connection to displace.
   * @param remote 16 bytes in network order, IPv4 as `::ffff:a.b.c.d`.
   * @param isProxy whether it comes from a proxy, which forwards requests of many clients.
   * @returns a {@link VERDICT}, or the number of the connection to displace.
   */
  decide(remote: Uint8Array, isProxy: boolean): number {
    const { maxConnections, maxPerAddress } = this.#limits;
    const address = isProxy ? NONE : this.#addresses.find(remote);
    if (address !== NONE && this.#addresses.counts[address] >= maxPerAddress) {
      const own = this.#idle.nextOf(address);
      return own === NONE ? VERDICT.overShare : own;
    }
    if (this.count < maxConnections) return VERDICT.accept;
    const idle = this.#idle.next;
    if (idle !== NONE) return idle;
    const slow = this.#slow.next;
    return slow === NONE ? VERDICT.full : slow;
  }

  /** Adds an accepted connection. It is idle. */
  add(number: number, remote: Uint8Array, isProxy: boolean): void {
    const address = isProxy ? PROXIES : this.#addresses.add(remote);
    if (isProxy) this.#addresses.counts[PROXIES]++;
    this.#addressOf[number] = address;
    this.#activities[number] = ACTIVITY.idle;
    this.#idle.add(number, address);
    this.count++;
  }

  /** Removes a connection that is closed or about to be. Unknown ones are ignored. */
  remove(number: number): void {
    if (!this.#unlist(number)) return;
    this.#activities[number] = ACTIVITY.absent;
    this.#addresses.remove(this.#addressOf[number]);
    this.count--;
  }

  /** The reply has been sent, and no more input has arrived. */
  idle(number: number): void {
    if (this.#activities[number] === ACTIVITY.idle) {
      this.#idle.touch(number, this.#addressOf[number]);
      return;
    }
    if (!this.#unlist(number)) return;
    this.#activities[number] = ACTIVITY.idle;
    this.#idle.add(number, this.#addressOf[number]);
  }

  /**
   * The connection waits for the client to finish its request or to read the reply. Its place counts from when that
   * began.
   */
  slow(number: number): void {
    if (this.#activities[number] === ACTIVITY.slow || !this.#unlist(number)) return;
    this.#activities[number] = ACTIVITY.slow;
    this.#slow.add(number, this.#addressOf[number]);
  }

  /** The connection waits for the tracker. */
  busy(number: number): void {
    if (this.#unlist(number)) this.#activities[number] = ACTIVITY.busy;
  }

  /** @returns whether the connection is known. */
  #unlist(number: number): boolean {
    if (number === NONE) return false;
    const activity = this.#activities[number];
    if (activity === ACTIVITY.idle) this.#idle.remove(number, this.#addressOf[number]);
    if (activity === ACTIVITY.slow) this.#slow.remove(number, this.#addressOf[number]);
    return activity !== ACTIVITY.absent;
  }
}
