/** System calls on single sockets: opening, addresses, options. */
import { networkInterfaces } from "node:os";
import { isWildcard, lacksIPv6 } from "../binding.ts";
import { type ListenAddress, RECEIVE_BUFFER_BYTES, SEND_BUFFER_BYTES } from "../engine.ts";
import { writePeerAddress } from "../peer-address.ts";
import { FCNTL, SHUTDOWN, SOCKADDR, SOCKET } from "./layouts.ts";
import {
  bind,
  close,
  fcntl,
  getpeername,
  getsockname,
  getsockopt,
  listen,
  setsockopt,
  shutdown,
  socket,
  systemError,
} from "./libc.ts";
import { Memory } from "./memory.ts";

/** Listen backlog. The kernel lowers it to `net.core.somaxconn`. */
const BACKLOG = 4096;

/**
 * TCP_DEFER_ACCEPT: a connection is accepted when data has arrived, or after this many seconds. That saves one wake-up
 * per connection.
 */
const DEFER_ACCEPT_SECONDS = 1;

/** Receive buffer in bytes; the kernel grants at most `net.core.rmem_max`. */
const DATAGRAM_BUFFER_BYTES = 4 * 1024 * 1024;

/** Offsets in the scratch memory. */
const SCRATCH = { bytes: 4096, address: 0, length: 128, option: 192, binary: 256 } as const;

const V4_MAPPED_PREFIX_BYTES = 12;

/** The parameters for opening a socket. */
export interface SocketOptions {
  readonly type: "stream" | "datagram";
  /** Whether `::` leaves IPv4 to another socket (IPV6_V6ONLY). */
  readonly ipv6Only: boolean;
  /** Whether other sockets of this process bind the same address (SO_REUSEPORT). */
  readonly shared: boolean;
}

/** An open, bound socket. */
export interface BoundSocket {
  readonly fd: number;
  readonly isIPv6: boolean;
  readonly address: ListenAddress;
  /** Whether it is inherited, so that other threads or processes may serve it as well. */
  readonly isInherited: boolean;
}

/** An inherited socket. */
export interface InheritedSocket {
  readonly type: "stream" | "datagram";
  /** The bound address: 16 bytes in network order, IPv4 as `::ffff:a.b.c.d`. */
  readonly address: Uint8Array;
  readonly port: number;
  /** Whether an IPv6 socket does not accept IPv4 (IPV6_V6ONLY). */
  readonly ipv6Only: boolean;
}

/** Has scratch memory, so each thread needs its own. */
export class SocketCalls {
  readonly #scratch = Memory.allocate(SCRATCH.bytes);
  readonly #address = this.#scratch.pointerTo(SCRATCH.address);
  readonly #length = this.#scratch.pointerTo(SCRATCH.length);
  readonly #option = this.#scratch.pointerTo(SCRATCH.option);

  /**
   * Opens a socket, binds it and, for TCP, listens. Where the machine has no IPv6, `::` becomes `0.0.0.0`. An inherited
   * socket is used as it is.
   * @throws SystemError with the address in its message.
   */
  open(address: ListenAddress, options: SocketOptions): BoundSocket {
    if (address.fd !== undefined) return this.#take(address, address.fd, options);
    try {
      return this.#open(address, options);
    } catch (error) {
      if (address.host !== "::" || !lacksIPv6(error)) throw error;
      return this.#open({ host: "0.0.0.0", port: address.port }, options);
    }
  }

  /**
   * Gets the remote address of a connection.
   * @param remote is overwritten, 16 bytes in network order, IPv4 as `::ffff:a.b.c.d`.
   * @returns false if the client has disconnected.
   */
  peerAddress(fd: number, remote: Uint8Array): boolean {
    this.#scratch.words[SCRATCH.length >> 2] = SOCKADDR.bytes6;
    if (getpeername(fd, this.#address, this.#length) < 0) return false;
    const isIPv6 = this.#scratch.halves[(SCRATCH.address + SOCKADDR.family) >> 1] === SOCKET.familyIPv6;
    readSocketAddress(this.#scratch.bytes, SCRATCH.address, isIPv6, remote);
    return true;
  }

  /** Makes close(2) reset the connection and drop unsent data. */
  resetOnClose(fd: number): void {
    // struct linger: on, 0 seconds.
    this.#scratch.words[(SCRATCH.option >> 2) + 1] = 0;
    this.#setOption(fd, SOCKET.levelSocket, SOCKET.linger, 1, 8);
  }

  /** Shuts down the sending side of a connection, after all data written. */
  shutdownWrite(fd: number): void {
    // It fails only on a broken connection, which the next receive detects.
    shutdown(fd, SHUTDOWN.write);
  }

  /** Shuts down both sides: data from the client is refused from now on. Data that has arrived can still be read. */
  shutdownBoth(fd: number): void {
    shutdown(fd, SHUTDOWN.both);
  }

  /** @returns the type and address of a socket; undefined unless it is a bound UDP or listening TCP socket. */
  describe(fd: number): InheritedSocket | undefined {
    const { halves, bytes } = this.#scratch;
    const type = this.#getOption(fd, SOCKET.type);
    const isStream = type === SOCKET.stream && this.#getOption(fd, SOCKET.acceptsConnections) === 1;
    if (!isStream && type !== SOCKET.datagram) return undefined;
    const port = this.#portOf(fd);
    const family = halves[(SCRATCH.address + SOCKADDR.family) >> 1];
    if (port === 0 || (family !== SOCKET.familyIPv4 && family !== SOCKET.familyIPv6)) return undefined;
    const address = new Uint8Array(16);
    const isIPv6 = family === SOCKET.familyIPv6;
    readSocketAddress(bytes, SCRATCH.address, isIPv6, address);
    const ipv6Only = isIPv6 && this.#getOption(fd, SOCKET.ipv6Only, SOCKET.levelIPv6) === 1;
    return { type: isStream ? "stream" : "datagram", address, port, ipv6Only };
  }

  /** Releases the scratch memory. */
  close(): void {
    this.#scratch.unmap();
  }

  #open({ host, port }: ListenAddress, { type, ipv6Only, shared }: SocketOptions): BoundSocket {
    const isIPv6 = host.includes(":");
    const at = isIPv6 ? `[${host}]:${port}` : `${host}:${port}`;
    const isStream = type === "stream";
    const kind = (isStream ? SOCKET.stream : SOCKET.datagram) | SOCKET.closeOnExec;
    const fd = socket(isIPv6 ? SOCKET.familyIPv6 : SOCKET.familyIPv4, kind, 0);
    if (fd < 0) throw systemError(`no socket for ${at}`);
    try {
      if (isStream) this.#setOption(fd, SOCKET.levelSocket, SOCKET.reuseAddress, 1);
      if (shared) this.#setOption(fd, SOCKET.levelSocket, SOCKET.reusePort, 1);
      if (isIPv6) this.#setOption(fd, SOCKET.levelIPv6, SOCKET.ipv6Only, ipv6Only || host !== "::" ? 1 : 0);
      this.#writeSocketAddress(host, port, isIPv6);
      if (bind(fd, this.#address, isIPv6 ? SOCKADDR.bytes6 : SOCKADDR.bytes4) < 0)
        throw systemError(`bind ${at}`);
      if (isStream) this.#listen(fd, at);
      else {
        this.#setOption(fd, SOCKET.levelSocket, SOCKET.receiveBuffer, DATAGRAM_BUFFER_BYTES);
        this.#requestDestination(fd, host, isIPv6);
      }
      return { fd, isIPv6, address: { host, port: this.#portOf(fd) }, isInherited: false };
    } catch (error) {
      close(fd);
      throw error;
    }
  }

  /** Configures an inherited socket. Its listen backlog and UDP buffers stay as the opener has set them. */
  #take(address: ListenAddress, fd: number, { type }: SocketOptions): BoundSocket {
    const isIPv6 = address.host.includes(":");
    if (type === "stream") {
      this.#prepareListener(fd);
      this.#disableQuickAck(fd);
    } else this.#requestDestination(fd, address.host, isIPv6);
    // Blocking mode: otherwise accept operations would fail at once instead of waiting.
    if (fcntl(fd, FCNTL.setFlags, fcntl(fd, FCNTL.getFlags, 0) & ~FCNTL.nonBlocking) < 0)
      throw systemError("fcntl");
    return { fd, isIPv6, address, isInherited: true };
  }

  /** On a wildcard socket, makes the kernel report the destination address of each datagram. */
  #requestDestination(fd: number, host: string, isIPv6: boolean): void {
    if (!isWildcard(host)) return;
    if (isIPv6) this.#setOption(fd, SOCKET.levelIPv6, SOCKET.receivePacketInfo6, 1);
    else this.#setOption(fd, SOCKET.levelIPv4, SOCKET.packetInfo4, 1);
  }

  /** Sets options that accepted connections inherit. */
  #prepareListener(fd: number): void {
    this.#setOption(fd, SOCKET.levelTcp, SOCKET.tcpNoDelay, 1);
    this.#setOption(fd, SOCKET.levelTcp, SOCKET.tcpDeferAccept, DEFER_ACCEPT_SECONDS);
    this.#setOption(fd, SOCKET.levelSocket, SOCKET.sendBuffer, SEND_BUFFER_BYTES);
    this.#setOption(fd, SOCKET.levelSocket, SOCKET.receiveBuffer, RECEIVE_BUFFER_BYTES);
  }

  #listen(fd: number, at: string): void {
    this.#prepareListener(fd);
    if (listen(fd, BACKLOG) < 0) throw systemError(`listen ${at}`);
    this.#disableQuickAck(fd);
  }

  /** Delays the ACK, so that it travels with the reply: one packet less. Inherited only if set after listen(2). */
  #disableQuickAck(fd: number): void {
    this.#setOption(fd, SOCKET.levelTcp, SOCKET.tcpQuickAck, 0);
  }

  #setOption(fd: number, level: number, option: number, value: number, bytes = 4): void {
    this.#scratch.words[SCRATCH.option >> 2] = value;
    if (setsockopt(fd, level, option, this.#option, bytes) < 0)
      throw systemError(`setsockopt ${level} ${option}`);
  }

  #getOption(fd: number, option: number, level: number = SOCKET.levelSocket): number {
    this.#scratch.words[SCRATCH.length >> 2] = 4;
    if (getsockopt(fd, level, option, this.#option, this.#length) < 0) return -1;
    return this.#scratch.words[SCRATCH.option >> 2];
  }

  #portOf(fd: number): number {
    const { bytes, words } = this.#scratch;
    words[SCRATCH.length >> 2] = SOCKADDR.bytes6;
    if (getsockname(fd, this.#address, this.#length) < 0) throw systemError("getsockname");
    return (bytes[SCRATCH.address + SOCKADDR.port] << 8) | bytes[SCRATCH.address + SOCKADDR.port + 1];
  }

  #writeSocketAddress(host: string, port: number, isIPv6: boolean): void {
    const { bytes, halves, words } = this.#scratch;
    const at = SCRATCH.address;
    bytes.fill(0, at, at + SOCKADDR.bytes6);
    halves[(at + SOCKADDR.family) >> 1] = isIPv6 ? SOCKET.familyIPv6 : SOCKET.familyIPv4;
    bytes[at + SOCKADDR.port] = port >> 8;
    bytes[at + SOCKADDR.port + 1] = port;
    const binary = bytes.subarray(SCRATCH.binary, SCRATCH.binary + 16);
    writePeerAddress(host, binary);
    if (isIPv6) {
      bytes.set(binary, at + SOCKADDR.address6);
      words[(at + SOCKADDR.scope6) >> 2] = scopeOf(host);
    } else {
      bytes.set(binary.subarray(V4_MAPPED_PREFIX_BYTES), at + SOCKADDR.address4);
    }
  }
}

/**
 * Reads the address of a struct sockaddr_in or sockaddr_in6.
 * @param remote is overwritten, 16 bytes in network order, IPv4 as `::ffff:a.b.c.d`.
 */
export function readSocketAddress(bytes: Uint8Array, at: number, isIPv6: boolean, remote: Uint8Array): void {
  if (isIPv6) {
    for (let i = 0; i < 16; i++) remote[i] = bytes[at + SOCKADDR.address6 + i];
    return;
  }
  for (let i = 0; i < 10; i++) remote[i] = 0;
  remote[10] = 0xff;
  remote[11] = 0xff;
  for (let i = 0; i < 4; i++) remote[V4_MAPPED_PREFIX_BYTES + i] = bytes[at + SOCKADDR.address4 + i];
}

/** Number of the interface named behind `%` (RFC 4007 11.2), or 0. */
function scopeOf(host: string): number {
  const [, zone] = host.split("%");
  if (zone === undefined) return 0;
  const found = (networkInterfaces()[zone] ?? []).find(({ family }) => family === "IPv6");
  return found?.family === "IPv6" ? found.scopeid : Number(zone) || 0;
}
