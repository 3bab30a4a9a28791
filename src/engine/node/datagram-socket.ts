/** One UDP socket of the `node` engine. */
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

/** Receive buffer in bytes. Linux grants at most `net.core.rmem_max`. */
const RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024;

/** One bound UDP socket. It serves from opening until closing. */
export class DatagramSocket {
  /** Datagrams received. */
  received = 0;
  readonly #socket: Socket;
  readonly #service: DatagramService;
  readonly #counters: EngineCounters;
  readonly #exchange = new DatagramExchange();
  readonly #remote = new Uint8Array(this.#exchange.remote.buffer);
  #output = Buffer.allocUnsafeSlow(DATAGRAM_REPLY_BYTES);
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
    this.#exchange.output = toDataView(this.#output);
    socket.on("message", (datagram, sender) => this.#serve(datagram, sender));
    // A failure to receive, such as an ICMP error about an earlier reply, affects one datagram.
    socket.on("error", () => counters.datagramDropped());
  }

  /** The bound address. */
  get address(): ListenAddress {
    return listenAddressOf(this.#socket.address());
  }

  /** Stops receiving permanently. */
  close(): void {
    this.#socket.close();
  }

  #serve(datagram: Buffer, sender: RemoteInfo): void {
    const exchange = this.#exchange;
    this.received++;
    // Port 0 cannot receive a reply.
    if (datagram.length > DATAGRAM_BYTES || sender.port === 0) {
      this.#counters.datagramDropped();
      return;
    }
    exchange.input = toDataView(datagram);
    exchange.end = datagram.length;
    writePeerAddress(sender.address, this.#remote);
    exchange.remotePort = sender.port;
    const length = this.#service.serve(exchange);
    if (length > 0) this.#send(length, sender);
  }

  #send(length: number, { port, address }: RemoteInfo): void {
    const socket = this.#socket;
    // While the kernel has no buffer space, further replies would queue up in memory.
    if (socket.getSendQueueCount() > 0) {
      this.#counters.datagramDropped();
      return;
    }
    socket.send(this.#output, 0, length, port, address, this.#onSent);
    // The queue is normally empty here, as the kernel takes the datagram before send() returns. Otherwise the buffer is
    // still in use.
    if (socket.getSendQueueCount() === 0) return;
    this.#output = Buffer.allocUnsafeSlow(DATAGRAM_REPLY_BYTES);
    this.#exchange.output = toDataView(this.#output);
  }
}

function toDataView({ buffer, byteOffset, byteLength }: Buffer): DataView {
  return new DataView(buffer, byteOffset, byteLength);
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

/**
 * Replaces the DNS look-up, as all addresses are literals. It is synchronous, so that send() sends before it returns.
 */
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
    // The system's default is sufficient.
  }
}
