/** UDP of the `node` engine on one address to listen on, which may be every address of the machine. */
import type { Binding } from "../binding.ts";
import type { DatagramService, EngineCounters, ListenAddress } from "../engine.ts";
import { DatagramSocket } from "./datagram-socket.ts";
import { allowsBeside, ambiguousAddresses, LOCAL_ADDRESS_LIMIT, localAddresses } from "./local-addresses.ts";

/** How the machine's addresses are learned. */
export interface AddressWatch {
  readonly list: () => readonly string[];
  /** How often it is looked whether they have changed, in milliseconds. */
  readonly everyMs: number;
}

/** Until an address that has come is found, what is asked there is answered as the routes choose. */
export const ADDRESS_WATCH: AddressWatch = { list: () => localAddresses(), everyMs: 10_000 };

/** The sockets of one address to listen on: one, and one for each of the machine's addresses if that is every address. */
export class DatagramListener {
  readonly #open: (binding: Binding) => Promise<DatagramSocket>;
  readonly #watch: AddressWatch;
  readonly #binding: Binding;
  readonly #socket: DatagramSocket;
  /** By address. */
  readonly #beside = new Map<string, DatagramSocket>();
  #timer: NodeJS.Timeout | undefined;
  #isLooking = false;
  #isClosed = false;

  /** @throws Error as {@link DatagramSocket.open} does. */
  static async open(
    binding: Binding,
    service: DatagramService,
    counters: EngineCounters,
    watch: AddressWatch,
  ): Promise<DatagramListener> {
    const open = (each: Binding) => DatagramSocket.open(each, service, counters);
    if (!allowsBeside(binding)) return new DatagramListener(open, watch, binding, await open(binding));
    const bound = { ...binding, ...(binding.reusePort ? {} : await claim(binding, open)), reusePort: true };
    const socket = await open(bound);
    const listener = new DatagramListener(open, watch, { ...bound, ...socket.address }, socket);
    await listener.#look();
    listener.#timer = setInterval(() => void listener.#look(), watch.everyMs).unref();
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

  /** Where it is bound. */
  get address(): ListenAddress {
    return this.#socket.address;
  }

  /** Datagrams that have come to the sockets that there are. */
  get received(): number {
    let sum = this.#socket.received;
    for (const { received } of this.#beside.values()) sum += received;
    return sum;
  }

  /** Stops receiving, for good. */
  close(): void {
    this.#isClosed = true;
    clearInterval(this.#timer);
    for (const socket of [this.#socket, ...this.#beside.values()]) socket.close();
  }

  /** Has a socket for each of the machine's addresses, as they are now. */
  async #look(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    const { host, ipv6Only } = this.#binding;
    const wanted = ambiguousAddresses(host, ipv6Only, this.#watch.list()).slice(0, LOCAL_ADDRESS_LIMIT);
    for (const [address, socket] of this.#beside) {
      if (wanted.includes(address)) continue;
      this.#beside.delete(address);
      socket.close();
    }
    for (const address of wanted) if (!this.#beside.has(address)) await this.#openBeside(address);
    this.#isLooking = false;
  }

  async #openBeside(address: string): Promise<void> {
    try {
      const socket = await this.#open({ ...this.#binding, host: address, ipv6Only: false });
      if (this.#isClosed) socket.close();
      else this.#beside.set(address, socket);
    } catch {
      // Gone again, or not to be used yet (RFC 4862 5.4): the socket of every address answers until the next look.
    }
  }
}

/** Sees that nobody has an address before it is bound so that others can be, too. @returns it, with a port. */
async function claim(
  binding: Binding,
  open: (binding: Binding) => Promise<DatagramSocket>,
): Promise<ListenAddress> {
  const socket = await open(binding);
  const { address } = socket;
  socket.close();
  return address;
}
