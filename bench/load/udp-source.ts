/** A socket that sends announces over UDP, a few at a time. */
import { IOVEC, MESSAGE, MMSGHDR, SOCKADDR } from "../../src/engine/uring/layouts.ts";
import { close, type Pointer, recvmmsg, sendmmsg, systemError } from "../../src/engine/uring/libc.ts";
import { Memory } from "../../src/engine/uring/memory.ts";
import type { Supply } from "./announces.ts";
import type { Meter } from "./meter.ts";
import type { Sources } from "./sources.ts";
import { ACTION, ANNOUNCE_BYTES, ANNOUNCE_REPLY_BYTES, AT, COMPACT_BYTES, CONNECT } from "./udp-requests.ts";

/** Pending requests of one source. Those of all sources together fit the buffer of a server's socket. */
const WINDOW = 4;

/** Offsets in the memory. */
const REQUEST_STRIDE = 128;
const REPLY_STRIDE = 2048;
const SENT = 0;
const RECEIVED = SENT + WINDOW * MMSGHDR.bytes;
const SENT_VECTORS = RECEIVED + WINDOW * MMSGHDR.bytes;
const RECEIVED_VECTORS = SENT_VECTORS + WINDOW * IOVEC.bytes;
const REQUESTS = RECEIVED_VECTORS + WINDOW * IOVEC.bytes;
const REPLIES = REQUESTS + WINDOW * REQUEST_STRIDE;
const MEMORY_BYTES = REPLIES + WINDOW * REPLY_STRIDE;

/** One source. */
export class UdpSource {
  /** Whether everything was sent and answered. */
  isDone = false;
  readonly #fd: number;
  readonly #supply: Supply;
  readonly #meter: Meter;
  readonly #memory = Memory.allocate(MEMORY_BYTES);
  readonly #bytes = Buffer.from(this.#memory.bytes.buffer);
  readonly #sent: Pointer = this.#memory.pointerTo(SENT);
  readonly #received: Pointer = this.#memory.pointerTo(RECEIVED);
  readonly #connectionId = Buffer.alloc(8);
  /** For each pending request: its transaction id, or -1, and when it was sent. A connect is request 0. */
  readonly #transactions = new Float64Array(WINDOW).fill(-1);
  readonly #sentAt = new Float64Array(WINDOW);
  #isConnected = false;
  #sequence = 0;

  constructor(fd: number, server: Sources["server"], supply: Supply, meter: Meter) {
    this.#fd = fd;
    this.#supply = supply;
    this.#meter = meter;
    for (let i = 0; i < WINDOW; i++) this.#prepare(i, server);
  }

  /** Requests a connection id. Announces follow. */
  connect(): void {
    this.#bytes.set(CONNECT, REQUESTS);
    this.#enter(0);
    this.#send([0]);
  }

  /** Handles received replies, and sends the next requests. */
  receive(): void {
    const count = recvmmsg(this.#fd, this.#received, WINDOW, MESSAGE.dontWait, null);
    for (let i = 0; i < count; i++) {
      const length = this.#memory.words[(RECEIVED + i * MMSGHDR.bytes + MMSGHDR.length) >> 2];
      this.#take(REPLIES + i * REPLY_STRIDE, length);
    }
    if (this.#isConnected) this.#sendNext();
  }

  /** Sends requests from before that time again if they were not answered. */
  sendAgain(before: number): void {
    const lost: number[] = [];
    for (let i = 0; i < WINDOW; i++) if (this.#transactions[i] >= 0 && this.#sentAt[i] < before) lost.push(i);
    this.#meter.resent += lost.length;
    this.#send(lost);
  }

  /** Closes the socket. */
  close(): void {
    close(this.#fd);
    this.#memory.unmap();
  }

  #sendNext(): void {
    const next: number[] = [];
    let isOver = this.#meter.isOver;
    for (let i = 0; i < WINDOW; i++) {
      if (this.#transactions[i] >= 0) continue;
      const at = REQUESTS + i * REQUEST_STRIDE;
      isOver ||= this.#supply(this.#bytes, at, 1) === at;
      if (isOver) break;
      this.#bytes.set(this.#connectionId, at + AT.connectionId);
      this.#enter(i);
      next.push(i);
    }
    this.#send(next);
    this.isDone = isOver && this.#transactions.every((transaction) => transaction < 0);
  }

  #enter(request: number): void {
    const transaction = (this.#sequence++ * WINDOW + request) >>> 0;
    this.#transactions[request] = transaction;
    this.#bytes.writeUInt32BE(transaction, REQUESTS + request * REQUEST_STRIDE + AT.transactionId);
  }

  #send(requests: readonly number[]): void {
    for (const [message, request] of requests.entries()) {
      const vector = (SENT_VECTORS + message * IOVEC.bytes) >> 2;
      this.#memory.writePointer(vector, this.#memory, REQUESTS + request * REQUEST_STRIDE);
      this.#memory.words[vector + (IOVEC.length >> 2)] = this.#isConnected ? ANNOUNCE_BYTES : CONNECT.length;
      this.#sentAt[request] = this.#meter.now;
    }
    if (requests.length > 0 && sendmmsg(this.#fd, this.#sent, requests.length, 0) < 0)
      throw systemError("sendmmsg");
  }

  #take(at: number, length: number): void {
    const bytes = this.#bytes;
    const transaction = bytes.readUInt32BE(at + 4);
    const request = transaction % WINDOW;
    // A reply to a request that was sent twice.
    if (this.#transactions[request] !== transaction) return;
    this.#transactions[request] = -1;
    const action = bytes.readUInt32BE(at);
    if (!this.#isConnected && action === ACTION.connect) {
      bytes.copy(this.#connectionId, 0, at + 8, at + 16);
      this.#isConnected = true;
      return;
    }
    const isAnswer = length >= ANNOUNCE_REPLY_BYTES && (length - ANNOUNCE_REPLY_BYTES) % COMPACT_BYTES === 0;
    if (action !== ACTION.announce || !isAnswer) {
      throw new Error(`not an answer: ${bytes.toString("latin1", at, at + length)}`);
    }
    this.#meter.responseBytes += length;
    this.#meter.answered(1, this.#sentAt[request]);
  }

  /** Sets the constant fields of the messages with this number. */
  #prepare(i: number, server: Sources["server"]): void {
    const memory = this.#memory;
    const { words } = memory;
    const sent = (SENT + i * MMSGHDR.bytes) >> 2;
    const received = (RECEIVED + i * MMSGHDR.bytes) >> 2;
    const receivedVector = RECEIVED_VECTORS + i * IOVEC.bytes;
    memory.writePointer(sent + (MMSGHDR.name >> 2), server.memory, server.offset);
    words[sent + (MMSGHDR.nameLength >> 2)] = SOCKADDR.bytes4;
    memory.writePointer(sent + (MMSGHDR.vector >> 2), memory, SENT_VECTORS + i * IOVEC.bytes);
    words[sent + (MMSGHDR.vectorLength >> 2)] = 1;
    memory.writePointer(received + (MMSGHDR.vector >> 2), memory, receivedVector);
    words[received + (MMSGHDR.vectorLength >> 2)] = 1;
    memory.writePointer((receivedVector + IOVEC.address) >> 2, memory, REPLIES + i * REPLY_STRIDE);
    words[(receivedVector + IOVEC.length) >> 2] = REPLY_STRIDE;
  }
}
