/** UDP of the `node` engine: from a datagram to the service, and from the service to the sender. */
import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import type { Binding } from "../binding.ts";
import {
  DATAGRAM_BYTES,
  DATAGRAM_REPLY_BYTES,
  DatagramExchange,
  type DatagramService,
  type EngineCounters,
  type ListenAddress,
} from "../engine.ts";
import { writePeerAddress } from "../peer-address.ts";
import { listenAddressOf, openOrFallBack } from "./listening.ts";

/** Asked of the kernel for what waits to be read. Linux gives `net.core.rmem_max` if that is less. */
const RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024;

/** One bound UDP socket. It serves from when it is opened until it is closed. */
export class DatagramSocket {
  /** Datagrams that have come. */
  received = 0;
  readonly #socket: Socket;
  readonly #service: DatagramService;
  readonly #counters: EngineCounters;
  readonly #exchange = new DatagramExchange();
  readonly #onSent = (error: Error | null) => {
    if (error !== null) this.#counters.datagramDropped();
  };

  /**
   * Binds a socket. Where the machine has no IPv6, `::` becomes `0.0.0.0`.
   * @throws Error with `code` and with the address in its message, as `node:dgram` makes it.
   */
  static async open(
    binding: Binding,
    service: DatagramService,
    counters: EngineCounters,
  ): Promise<DatagramSocket> {
    return new DatagramSocket(await openOrFallBack(binding, bind), service, counters);
  }

  private constructor(socket: Socket, service: DatagramService, counters: EngineCounters) {
    this.#socket = socket;
    this.#service = service;
    this.#counters = counters;
    this.#exchange.output = Buffer.allocUnsafeSlow(DATAGRAM_REPLY_BYTES);
    socket.on("message", (datagram, sender) => this.#serve(datagram, sender));
    // A failure to receive, such as an ICMP error about an earlier reply, is about one datagram and nothing else.
    socket.on("error", () => counters.datagramDropped());
  }

  /** Where it is bound. */
  get address(): ListenAddress {
    return listenAddressOf(this.#socket.address());
  }

  /** Stops receiving, for good. */
  close(): void {
    this.#socket.close();
  }

  #serve(datagram: Buffer, sender: RemoteInfo): void {
    const exchange = this.#exchange;
    this.received++;
    // Port 0 is nobody's: nothing can be sent there.
    if (datagram.length > DATAGRAM_BYTES || sender.port === 0) {
      this.#counters.datagramDropped();
      return;
    }
    exchange.input = datagram;
    exchange.end = datagram.length;
    writePeerAddress(sender.address, exchange.remote);
    exchange.remotePort = sender.port;
    const length = this.#service.serve(exchange);
    if (length > 0) this.#send(length, sender);
  }

  #send(length: number, { port, address }: RemoteInfo): void {
    const socket = this.#socket;
    // As long as the kernel has no room, what comes next would wait as well, and pile up.
    if (socket.getSendQueueCount() > 0) {
      this.#counters.datagramDropped();
      return;
    }
    const { output } = this.#exchange;
    socket.send(output, 0, length, port, address, this.#onSent);
    // Nothing waits when the kernel took it before send() returned, which is the rule. Else the bytes are still needed.
    if (socket.getSendQueueCount() > 0) this.#exchange.output = Buffer.allocUnsafeSlow(DATAGRAM_REPLY_BYTES);
  }
}

function bind({ host, port, fd, ipv6Only, reusePort }: Binding): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const type = host.includes(":") ? "udp6" : "udp4";
    const socket = createSocket({ type, ipv6Only, reusePort, lookup: isAddress });
    const fail = (error: Error) => {
      socket.close();
      reject(error);
    };
    socket.once("error", fail);
    socket.bind(fd === undefined ? { address: host, port } : { fd }, () => {
      socket.off("error", fail);
      if (fd === undefined) raiseReceiveBuffer(socket);
      resolve(socket);
    });
  });
}

/** Takes the place of a look-up: all addresses are literals. At once, so that send() sends before it returns. */
function isAddress(
  address: string,
  _options: unknown,
  callback: (error: NodeJS.ErrnoException | null, address: string, family: number) => void,
): void {
  callback(null, address, address.includes(":") ? 6 : 4);
}

function raiseReceiveBuffer(socket: Socket): void {
  try {
    socket.setRecvBufferSize(RECEIVE_BUFFER_BYTES);
  } catch {
    // What the system gave by itself will do.
  }
}
