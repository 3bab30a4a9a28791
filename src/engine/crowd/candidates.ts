/** Connections that may be closed to make room for others, in the order in which they would be. */
import { PROXIES } from "./addresses.ts";
import { Lists, NONE } from "./lists.ts";

/**
 * Kept by address, and addresses by how many of theirs are here. The next is of the address with most, there the one that
 * has been here for the longest time; of addresses with equally many, the one of whose connections none has changed for the
 * longest time. Those of proxies come last.
 */
export class Candidates {
  /** Connections, by address. */
  readonly #ofAddress: Lists;
  /** Addresses, by how many connections they have here. */
  readonly #bySize: Lists;
  readonly #sizes: Int32Array;
  #largest = 0;

  /** @param connections so many numbers. @param addresses so many as well. */
  constructor(connections: number, addresses: number) {
    this.#ofAddress = new Lists(connections, addresses);
    this.#bySize = new Lists(addresses, connections + 1);
    this.#sizes = new Int32Array(addresses);
  }

  /** The next one, or {@link NONE}. */
  get next(): number {
    const address = this.#largest === 0 ? PROXIES : this.#bySize.first(this.#largest);
    return this.#ofAddress.first(address);
  }

  /** The next one of an address, or {@link NONE}. */
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

  /** The connection has done something: it comes behind the others. */
  renew(connection: number, address: number): void {
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
    // One step for each connection that has gone.
    while (this.#largest > 0 && this.#bySize.first(this.#largest) === NONE) this.#largest--;
  }
}
