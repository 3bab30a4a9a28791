/** UDP of the `node` engine for one listening address, which may be a wildcard. */
import type { Binding } from "../binding.ts";
import type { DatagramService, EngineCounters, ListenAddress } from "../engine.ts";
import { DatagramSocket } from "./datagram-socket.ts";
import {
  allowsPerAddressSockets,
  ambiguousAddresses,
  LOCAL_ADDRESS_LIMIT,
  localAddresses,
} from "./local-addresses.ts";

/** How the machine's addresses are listed. */
export interface AddressWatch {
  readonly list: () => readonly string[];
  /** Interval between two checks for changes, in milliseconds. */
  readonly everyMs: number;
}

/** Until a new address is found, the kernel's routes choose the source address of replies to it. */
export const ADDRESS_WATCH: AddressWatch = { list: () => localAddresses(), everyMs: 10_000 };

/** The sockets of one listening address. A wildcard has one more socket for each of the machine's addresses. */
export class DatagramListener {
  readonly #open: (binding: Binding) => Promise<DatagramSocket>;
  readonly #watch: AddressWatch;
  readonly #binding: Binding;
  readonly #socket: DatagramSocket;
  /** Sockets by address. */
  readonly #byAddress = new Map<string, DatagramSocket>();
  #timer: NodeJS.Timeout | undefined;
  #isRefreshing = false;
  #isClosed = false;

  /** @throws Error as {@link DatagramSocket.open} does. */
  static async open(
    binding: Binding,
    service: DatagramService,
    counters: EngineCounters,
    watch: AddressWatch,
  ): Promise<DatagramListener> {
    const open = (each: Binding) => DatagramSocket.open(each, service, counters);
    if (!allowsPerAddressSockets(binding))
      return new DatagramListener(open, watch, binding, await open(binding));
    const bound = {
      ...binding,
      ...(binding.reusePort ? {} : await findFreePort(binding, open)),
      reusePort: true,
    };
    const socket = await open(bound);
    const listener = new DatagramListener(open, watch, { ...bound, ...socket.address }, socket);
    await listener.#refresh();
    listener.#timer = setInterval(() => void listener.#refresh(), watch.everyMs).unref();
    return listener;
  }

  private constructor(
    open: (binding: Binding) => Promise<DatagramSocket>,
    watch: AddressWatch,
    binding: Binding,
    socket: DatagramSocket,
  ) {
    this.#open = open;
    this.#watch = watch;
    this.#binding = binding;
    this.#socket = socket;
  }

  /** The bound address. */
  get address(): ListenAddress {
    return this.#socket.address;
  }

  /** Datagrams received by the open sockets. */
  get received(): number {
    let sum = this.#socket.received;
    for (const { received } of this.#byAddress.values()) sum += received;
    return sum;
  }

  /** Stops receiving permanently. */
  close(): void {
    this.#isClosed = true;
    clearInterval(this.#timer);
    for (const socket of [this.#socket, ...this.#byAddress.values()]) socket.close();
  }

  /** Opens and closes sockets so that each of the machine's current addresses has one. */
  async #refresh(): Promise<void> {
    if (this.#isRefreshing) return;
    this.#isRefreshing = true;
    const { host, ipv6Only } = this.#binding;
    const wanted = ambiguousAddresses(host, ipv6Only, this.#watch.list()).slice(0, LOCAL_ADDRESS_LIMIT);
    for (const [address, socket] of this.#byAddress) {
      if (wanted.includes(address)) continue;
      this.#byAddress.delete(address);
      socket.close();
    }
    for (const address of wanted) if (!this.#byAddress.has(address)) await this.#openAddress(address);
    this.#isRefreshing = false;
  }

  async #openAddress(address: string): Promise<void> {
    try {
      const socket = await this.#open({ ...this.#binding, host: address, ipv6Only: false });
      if (this.#isClosed) socket.close();
      else this.#byAddress.set(address, socket);
    } catch {
      // The address was removed, or is still tentative (RFC 4862 5.4): the wildcard socket replies until the next
      // check.
    }
  }
}

/** Checks that an address is free, before it is bound with SO_REUSEPORT. @returns the address, with a port. */
async function findFreePort(
  binding: Binding,
  open: (binding: Binding) => Promise<DatagramSocket>,
): Promise<ListenAddress> {
  const socket = await open(binding);
  const { address } = socket;
  socket.close();
  return address;
}
