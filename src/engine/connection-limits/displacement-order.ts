/** The order in which connections are displaced. */
import { PROXIES } from "./address-counts.ts";
import { LinkedLists, NONE } from "./linked-lists.ts";

/**
 * Connections are grouped by address, and addresses by their number of connections. The next connection to displace is
 * the oldest one of the address with the most. Among addresses with equally many, the one that has been unchanged for
 * longest comes first. Connections of proxies come last.
 */
export class DisplacementOrder {
  /** Connections by address. */
  readonly #ofAddress: LinkedLists;
  /** Addresses by their number of connections. */
  readonly #bySize: LinkedLists;
  readonly #sizes: Int32Array;
  #largest = 0;

  /** @param connections the upper bound of their numbers. @param addresses the upper bound of theirs. */
  constructor(connections: number, addresses: number) {
    this.#ofAddress = new LinkedLists(connections, addresses);
    this.#bySize = new LinkedLists(addresses, connections + 1);
    this.#sizes = new Int32Array(addresses);
  }

  /** The next connection to displace, or {@link NONE}. */
  get next(): number {
    const address = this.#largest === 0 ? PROXIES : this.#bySize.first(this.#largest);
    return this.#ofAddress.first(address);
  }

  /** The next connection of an address to displace, or {@link NONE}. */
  nextOf(address: number): number {
    return this.#ofAddress.first(address);
  }

  add(connection: number, address: number): void {
    this.#ofAddress.append(address, connection);
    this.#resize(address, this.#sizes[address] + 1);
  }

  remove(connection: number, address: number): void {
    this.#ofAddress.remove(address, connection);
    this.#resize(address, this.#sizes[address] - 1);
  }

  /** The connection was active: it moves to the end. */
  touch(connection: number, address: number): void {
    if (!this.#ofAddress.isLast(address, connection)) {
      this.#ofAddress.remove(address, connection);
      this.#ofAddress.append(address, connection);
    }
    const size = this.#sizes[address];
    if (address !== PROXIES && !this.#bySize.isLast(size, address)) this.#resize(address, size);
  }

  #resize(address: number, size: number): void {
    const before = this.#sizes[address];
    this.#sizes[address] = size;
    if (address === PROXIES) return;
    if (before > 0) this.#bySize.remove(before, address);
    if (size > 0) this.#bySize.append(size, address);
    if (size > this.#largest) this.#largest = size;
    // At most one step for each removed connection.
    while (this.#largest > 0 && this.#bySize.first(this.#largest) === NONE) this.#largest--;
  }
}
