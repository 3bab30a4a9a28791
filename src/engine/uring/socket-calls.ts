/** Calls about sockets that are made one at a time: opening, asking for addresses, setting options. */
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

/** Connections the kernel may hold for us before they are accepted. It lowers it to `net.core.somaxconn`. */
const BACKLOG = 4096;

/**
 * A connection is handed over when it has brought something, or after so many seconds nevertheless: one wake-up less
 * for each.
 */
const DEFER_ACCEPT_SECONDS = 1;

/** What is asked for; the kernel gives `net.core.rmem_max` at most. */
const DATAGRAM_BUFFER_BYTES = 4 * 1024 * 1024;

/** Offsets in the scratch memory. */
const SCRATCH = { bytes: 4096, address: 0, length: 128, option: 192, binary: 256 } as const;

const V4_MAPPED_PREFIX_BYTES = 12;

/** How a socket is opened. */
export interface SocketOptions {
  readonly type: "stream" | "datagram";
  /** Whether `::` leaves IPv4 to another socket. */
  readonly ipv6Only: boolean;
  /** Whether other sockets of this process have the same address (SO_REUSEPORT). */
  readonly shared: boolean;
}

/** An open socket that is bound. */
export interface BoundSocket {
  readonly fd: number;
  readonly isIPv6: boolean;
  readonly address: ListenAddress;
  /** Whether it was open already, and others may serve it as well. */
  readonly isGiven: boolean;
}

/** A socket that somebody else has opened. */
export interface GivenSocket {
  readonly type: "stream" | "datagram";
  /** Where it is bound: 16 bytes in network order, IPv4 as `::ffff:a.b.c.d`. */
  readonly address: Uint8Array;
  readonly port: number;
}

/** One for each thread: it has scratch memory. */
export class SocketCalls {
  readonly #scratch = Memory.allocate(SCRATCH.bytes);
  readonly #address = this.#scratch.pointerTo(SCRATCH.address);
  readonly #length = this.#scratch.pointerTo(SCRATCH.length);
  readonly #option = this.#scratch.pointerTo(SCRATCH.option);

  /**
   * Opens a socket, binds it and, if it is a stream's, listens. Where the machine has no IPv6, `::` is `0.0.0.0`. One
   * that is open already is taken as it is.
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
   * Asks for the other end of a connection.
   * @param remote is overwritten, 16 bytes in network order, IPv4 as `::ffff:a.b.c.d`.
   * @returns false when it is gone.
   */
  peerAddress(fd: number, remote: Uint8Array): boolean {
    this.#scratch.words[SCRATCH.length >> 2] = SOCKADDR.bytes6;
    if (getpeername(fd, this.#address, this.#length) < 0) return false;
    const isIPv6 = this.#scratch.halves[(SCRATCH.address + SOCKADDR.family) >> 1] === SOCKET.familyIPv6;
    readSocketAddress(this.#scratch.bytes, SCRATCH.address, isIPv6, remote);
    return true;
  }

  /** Closing the socket will reset its connection, and drop what has not been sent. */
  resetOnClose(fd: number): void {
    // struct linger: on, 0 seconds.
    this.#scratch.words[(SCRATCH.option >> 2) + 1] = 0;
    this.#setOption(fd, SOCKET.levelSocket, SOCKET.linger, 1, 8);
  }

  /** Ends our side of a connection, behind all that has been written. */
  endOwnSide(fd: number): void {
    // It fails only when the connection is broken, and then that is noticed when more is read.
    shutdown(fd, SHUTDOWN.write);
  }

  /** The same, and what the other end sends from now on is refused; what it has sent before can be read. */
  endBothSides(fd: number): void {
    shutdown(fd, SHUTDOWN.both);
  }

  /** @returns what a descriptor is, or undefined when it is no bound socket for UDP, nor for TCP and listening. */
  describe(fd: number): GivenSocket | undefined {
    const { halves, bytes } = this.#scratch;
    const type = this.#getOption(fd, SOCKET.type);
    const isStream = type === SOCKET.stream && this.#getOption(fd, SOCKET.acceptsConnections) === 1;
    if (!isStream && type !== SOCKET.datagram) return undefined;
    const port = this.#portOf(fd);
    const family = halves[(SCRATCH.address + SOCKADDR.family) >> 1];
    if (port === 0 || (family !== SOCKET.familyIPv4 && family !== SOCKET.familyIPv6)) return undefined;
    const address = new Uint8Array(16);
    readSocketAddress(bytes, SCRATCH.address, family === SOCKET.familyIPv6, address);
    return { type: isStream ? "stream" : "datagram", address, port };
  }

  /** Gives the scratch memory back. */
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
        this.#askWhereTo(fd, host, isIPv6);
      }
      return { fd, isIPv6, address: { host, port: this.#portOf(fd) }, isGiven: false };
    } catch (error) {
      close(fd);
      throw error;
    }
  }

  /** Its queue is as whoever opened it wants it, and so are a datagram socket's buffers. */
  #take(address: ListenAddress, fd: number, { type }: SocketOptions): BoundSocket {
    const isIPv6 = address.host.includes(":");
    if (type === "stream") {
      this.#prepareListener(fd);
      this.#acknowledgeLate(fd);
    } else this.#askWhereTo(fd, address.host, isIPv6);
    // Else accepting does not wait for a connection, but fails at once.
    if (fcntl(fd, FCNTL.setFlags, fcntl(fd, FCNTL.getFlags, 0) & ~FCNTL.nonBlocking) < 0)
      throw systemError("fcntl");
    return { fd, isIPv6, address, isGiven: true };
  }

  /** On a socket of every address, has the kernel say with each datagram to which it was sent. */
  #askWhereTo(fd: number, host: string, isIPv6: boolean): void {
    if (!isWildcard(host)) return;
    if (isIPv6) this.#setOption(fd, SOCKET.levelIPv6, SOCKET.receivePacketInfo6, 1);
    else this.#setOption(fd, SOCKET.levelIPv4, SOCKET.packetInfo4, 1);
  }

  /** Accepted connections inherit what is set here. */
  #prepareListener(fd: number): void {
    this.#setOption(fd, SOCKET.levelTcp, SOCKET.tcpNoDelay, 1);
    this.#setOption(fd, SOCKET.levelTcp, SOCKET.tcpDeferAccept, DEFER_ACCEPT_SECONDS);
    this.#setOption(fd, SOCKET.levelSocket, SOCKET.sendBuffer, SEND_BUFFER_BYTES);
    this.#setOption(fd, SOCKET.levelSocket, SOCKET.receiveBuffer, RECEIVE_BUFFER_BYTES);
  }

  #listen(fd: number, at: string): void {
    this.#prepareListener(fd);
    if (listen(fd, BACKLOG) < 0) throw systemError(`listen ${at}`);
    this.#acknowledgeLate(fd);
  }

  /** With the reply, which comes at once: a packet less. It is inherited only if listen(2) has been called before. */
  #acknowledgeLate(fd: number): void {
    this.#setOption(fd, SOCKET.levelTcp, SOCKET.tcpQuickAck, 0);
  }

  #setOption(fd: number, level: number, option: number, value: number, bytes = 4): void {
    this.#scratch.words[SCRATCH.option >> 2] = value;
    if (setsockopt(fd, level, option, this.#option, bytes) < 0)
      throw systemError(`setsockopt ${level} ${option}`);
  }

  #getOption(fd: number, option: number): number {
    this.#scratch.words[SCRATCH.length >> 2] = 4;
    if (getsockopt(fd, SOCKET.levelSocket, option, this.#option, this.#length) < 0) return -1;
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

/** Number of the interface that is named behind `%` (RFC 4007 11.2), or 0. */
function scopeOf(host: string): number {
  const [, zone] = host.split("%");
  if (zone === undefined) return 0;
  const found = (networkInterfaces()[zone] ?? []).find(({ family }) => family === "IPv6");
  return found?.family === "IPv6" ? found.scopeid : Number(zone) || 0;
}
