/**
 * UDP in batches: recvmmsg(2) and sendmmsg(2), when a poll on the ring reports datagrams.
 *
 * On a wildcard socket the kernel reports the destination of each datagram in a control message (IP_PKTINFO,
 * IPV6_PKTINFO). A control message of the same form sets the source of a reply. So the reply uses the datagram's
 * control message in place.
 */
import {
  DATAGRAM_BYTES,
  DATAGRAM_REPLY_BYTES,
  DatagramExchange,
  type DatagramService,
  type EngineCounters,
} from "../engine.ts";
import { CMSG, ERROR, IOVEC, MESSAGE, MMSGHDR, PACKET_INFO, POLL, SOCKADDR, SOCKET } from "./layouts.ts";
import { close, errno, recvmmsg, sendmmsg } from "./libc.ts";
import { Memory } from "./memory.ts";
import { PURPOSE } from "./purpose.ts";
import type { Ring } from "./ring.ts";
import type { BoundSocket } from "./socket-calls.ts";

/** Datagrams received, and answered, with one call. */
const BATCH = 64;

/** Batches per turn; then other connections are served. */
const BATCHES = 4;

/** One byte more than the longest datagram that is served, so that longer ones are detected. */
const INPUT_STRIDE = DATAGRAM_BYTES + 8;
const NAME_STRIDE = 32;

/** Layout of the memory. */
const RECEIVED = 0;
const SENT = RECEIVED + BATCH * MMSGHDR.bytes;
const RECEIVED_VECTORS = SENT + BATCH * MMSGHDR.bytes;
const SENT_VECTORS = RECEIVED_VECTORS + BATCH * IOVEC.bytes;
const NAMES = SENT_VECTORS + BATCH * IOVEC.bytes;
const CONTROLS = NAMES + BATCH * NAME_STRIDE;
const INPUT = CONTROLS + BATCH * PACKET_INFO.stride;
const OUTPUT = INPUT + BATCH * INPUT_STRIDE;
const MEMORY_BYTES = OUTPUT + BATCH * DATAGRAM_REPLY_BYTES;

/** The third word of an IPv4 address as `::ffff:a.b.c.d`. */
const V4_MAPPED = 0xffff;

/** Alignment of replies, in bytes. */
const ALIGNMENT = 16;

/** The system calls whose failures a test cannot provoke in the kernel. */
export type DatagramCalls = Pick<typeof import("./libc.ts"), "recvmmsg" | "sendmmsg" | "errno">;
const CALLS: DatagramCalls = { recvmmsg, sendmmsg, errno };

/** Serves the UDP sockets of a thread. */
export class DatagramServer {
  readonly #calls: DatagramCalls;
  readonly #ring: Ring;
  readonly #service: DatagramService;
  readonly #counters: EngineCounters;
  readonly #sockets: BoundSocket[] = [];
  readonly #memory = Memory.allocate(MEMORY_BYTES);
  readonly #view = new DataView(this.#memory.bytes.buffer);
  readonly #received = this.#memory.pointerTo(RECEIVED);
  /** Pointers to the messages to send. */
  readonly #sent = Array.from({ length: BATCH }, (_, i) => this.#memory.pointerTo(SENT + i * MMSGHDR.bytes));
  readonly #exchange = new DatagramExchange();

  /** @param calls the system calls, or their substitutes in a test. */
  constructor(ring: Ring, service: DatagramService, counters: EngineCounters, calls: DatagramCalls = CALLS) {
    this.#calls = calls;
    this.#ring = ring;
    this.#service = service;
    this.#counters = counters;
    this.#exchange.input = this.#view;
    this.#exchange.output = this.#view;
    for (let i = 0; i < BATCH; i++) this.#prepare(i);
  }

  /** Starts to serve a socket. */
  add(socket: BoundSocket): void {
    this.#sockets.push(socket);
    this.#poll(this.#sockets.length - 1);
  }

  /** Serves the socket with this number: datagrams have arrived. */
  complete(number: number): void {
    const socket = this.#sockets[number];
    if (socket === undefined) return;
    this.#serve(socket);
    this.#poll(number);
  }

  /** Answers datagrams that have arrived, and closes the sockets. */
  stop(): void {
    for (const socket of this.#sockets.splice(0)) {
      this.#serve(socket);
      this.#ring.retire(socket.fd);
    }
  }

  /** Releases the memory. Called after the ring is closed. */
  close(): void {
    for (const { fd } of this.#sockets) close(fd);
    this.#memory.unmap();
  }

  #poll(number: number): void {
    const { fd, isInherited } = this.#sockets[number];
    const events = isInherited ? POLL.readable | POLL.exclusive : POLL.readable;
    this.#ring.poll(fd, events, number, PURPOSE.datagrams);
  }

  #serve({ fd, isIPv6 }: BoundSocket): void {
    for (let batch = 0; batch < BATCHES; batch++) {
      const count = this.#calls.recvmmsg(fd, this.#received, BATCH, MESSAGE.dontWait, null);
      if (count < 0) {
        if (this.#calls.errno() === ERROR.again) return;
        this.#counters.datagramDropped();
        continue;
      }
      this.#send(fd, this.#serveBatch(count, isIPv6));
      if (count < BATCH) return;
    }
  }

  /** @returns the number of replies to send. */
  #serveBatch(count: number, isIPv6: boolean): number {
    const { words } = this.#memory;
    const exchange = this.#exchange;
    this.#expect(count);
    let replies = 0;
    let output = OUTPUT;
    for (let i = 0; i < count; i++) {
      const message = (RECEIVED + i * MMSGHDR.bytes) >> 2;
      const name = NAMES + i * NAME_STRIDE;
      const nameLength = words[message + (MMSGHDR.nameLength >> 2)];
      const length = words[message + (MMSGHDR.length >> 2)];
      const controlLength = words[message + (MMSGHDR.controlLength >> 2)];
      // Reset: the kernel has overwritten them.
      words[message + (MMSGHDR.nameLength >> 2)] = SOCKADDR.bytes6;
      words[message + (MMSGHDR.controlLength >> 2)] = PACKET_INFO.stride;
      exchange.remotePort = this.#view.getUint16(name + SOCKADDR.port);
      // Port 0 cannot receive a reply.
      if (length > DATAGRAM_BYTES || exchange.remotePort === 0) {
        this.#counters.datagramDropped();
        continue;
      }
      exchange.start = INPUT + i * INPUT_STRIDE;
      exchange.end = exchange.start + length;
      this.#readSender(name, isIPv6);
      exchange.outputStart = output;
      const written = this.#service.serve(exchange);
      if (written === 0) continue;
      this.#address(replies, i, nameLength, output, written);
      const source = controlLength === 0 ? 0 : this.#sourceOf(i, isIPv6, controlLength);
      this.#setSource(replies++, i, source);
      output = (output + written + ALIGNMENT - 1) & -ALIGNMENT;
    }
    return replies;
  }

  #expect(count: number): void {
    const { words } = this.#memory;
    for (let i = 0; i < count; i++) {
      const start = INPUT + i * INPUT_STRIDE;
      const length = words[(RECEIVED + i * MMSGHDR.bytes + MMSGHDR.length) >> 2];
      this.#service.expect(this.#view, start, start + length);
    }
  }

  /** Reads the sender's address from the struct sockaddr at `name`. */
  #readSender(name: number, isIPv6: boolean): void {
    const { remote } = this.#exchange;
    const view = this.#view;
    if (isIPv6) {
      for (let i = 0; i < 16; i += 4) remote.setUint32(i, view.getUint32(name + SOCKADDR.address6 + i));
      return;
    }
    remote.setUint32(0, 0);
    remote.setUint32(4, 0);
    remote.setUint32(8, V4_MAPPED);
    remote.setUint32(12, view.getUint32(name + SOCKADDR.address4));
  }

  /** Addresses a reply to the sender of datagram `to`. */
  #address(reply: number, to: number, nameLength: number, output: number, length: number): void {
    const { words } = this.#memory;
    const message = (SENT + reply * MMSGHDR.bytes) >> 2;
    const vector = (SENT_VECTORS + reply * IOVEC.bytes) >> 2;
    this.#memory.writePointer(message + (MMSGHDR.name >> 2), this.#memory, NAMES + to * NAME_STRIDE);
    words[message + (MMSGHDR.nameLength >> 2)] = nameLength;
    this.#memory.writePointer(vector + (IOVEC.address >> 2), this.#memory, output);
    words[vector + (IOVEC.length >> 2)] = length;
  }

  /** Sends the reply from the destination of datagram `to`. @param length of the control message, 0 for none. */
  #setSource(reply: number, to: number, length: number): void {
    const message = (SENT + reply * MMSGHDR.bytes) >> 2;
    const control = CONTROLS + to * PACKET_INFO.stride;
    this.#memory.writePointer(message + (MMSGHDR.control >> 2), this.#memory, control);
    this.#memory.words[message + (MMSGHDR.controlLength >> 2)] = length;
  }

  /**
   * Turns the control message of a datagram into that of its reply. The routes choose the interface, as for all other
   * packets. Only a link-local address (RFC 4291 2.5.6) keeps its interface, without which it is ambiguous.
   * @param length of the control data. On an inherited socket it may hold other messages.
   * @returns the length without padding: with padding the kernel would allocate memory for it. 0 if there is no
   *   destination address.
   */
  #sourceOf(to: number, isIPv6: boolean, length: number): number {
    const { words, bytes } = this.#memory;
    const control = CONTROLS + to * PACKET_INFO.stride;
    const data = control + CMSG.data;
    const level = words[(control + CMSG.level) >> 2];
    const type = words[(control + CMSG.type) >> 2];
    if (isIPv6) {
      if (level !== SOCKET.levelIPv6 || type !== SOCKET.packetInfo6 || length < PACKET_INFO.bytes6) return 0;
      const address = data + PACKET_INFO.address6;
      const isLinkLocal = bytes[address] === 0xfe && (bytes[address + 1] & 0xc0) === 0x80;
      if (!isLinkLocal) words[(data + PACKET_INFO.interface6) >> 2] = 0;
      return PACKET_INFO.bytes6;
    }
    if (level !== SOCKET.levelIPv4 || type !== SOCKET.packetInfo4 || length < PACKET_INFO.bytes4) return 0;
    words[(data + PACKET_INFO.interface4) >> 2] = 0;
    return PACKET_INFO.bytes4;
  }

  /** A datagram that cannot be sent is dropped and counted. */
  #send(fd: number, count: number): void {
    let sent = 0;
    while (sent < count) {
      const taken = this.#calls.sendmmsg(
        fd,
        this.#sent[sent],
        count - sent,
        MESSAGE.dontWait | MESSAGE.noSignal,
      );
      if (taken <= 0) this.#counters.datagramDropped();
      sent += Math.max(taken, 1);
    }
  }

  /** Initializes the constant fields of the messages with this number. */
  #prepare(i: number): void {
    const memory = this.#memory;
    const received = (RECEIVED + i * MMSGHDR.bytes) >> 2;
    const receivedVector = RECEIVED_VECTORS + i * IOVEC.bytes;
    const sent = (SENT + i * MMSGHDR.bytes) >> 2;
    memory.writePointer(received + (MMSGHDR.name >> 2), memory, NAMES + i * NAME_STRIDE);
    memory.words[received + (MMSGHDR.nameLength >> 2)] = SOCKADDR.bytes6;
    memory.writePointer(received + (MMSGHDR.vector >> 2), memory, receivedVector);
    memory.words[received + (MMSGHDR.vectorLength >> 2)] = 1;
    memory.writePointer(received + (MMSGHDR.control >> 2), memory, CONTROLS + i * PACKET_INFO.stride);
    memory.words[received + (MMSGHDR.controlLength >> 2)] = PACKET_INFO.stride;
    memory.writePointer((receivedVector + IOVEC.address) >> 2, memory, INPUT + i * INPUT_STRIDE);
    memory.words[(receivedVector + IOVEC.length) >> 2] = INPUT_STRIDE;
    memory.writePointer(sent + (MMSGHDR.vector >> 2), memory, SENT_VECTORS + i * IOVEC.bytes);
    memory.words[sent + (MMSGHDR.vectorLength >> 2)] = 1;
  }
}
