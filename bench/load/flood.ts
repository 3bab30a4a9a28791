/**
 * A program that sends one packet repeatedly, as fast as possible: `flood.ts JSON`, where JSON is a {@link Flood}. With
 * virtual devices the sender's core also does the work of all devices behind it. The program prints the nanoseconds per
 * packet in the fastest burst: other load on the core only slows the other bursts.
 * TCP segments belong to no connection, and need root.
 */
import { IOVEC, MMSGHDR, SOCKADDR, SOCKET } from "../../src/engine/uring/layouts.ts";
import { sendmmsg, socket, systemError } from "../../src/engine/uring/libc.ts";
import { Memory } from "../../src/engine/uring/memory.ts";
import { connect } from "./libc.ts";

/** The packets to send. */
export interface Flood {
  /** IPv4. */
  readonly to: string;
  readonly protocol: "tcp" | "udp";
  /** Bytes of payload. */
  readonly bytes: number;
  /** The start of the payload, in hexadecimal. */
  readonly begins: string;
  /** The flags of TCP. Without them: ACK and PSH. */
  readonly flags?: number;
  readonly bursts: number;
  /** Packets of a burst, a multiple of {@link BATCH}. Short bursts are sometimes not interrupted. */
  readonly burst: number;
}

/** Packets of a system call. */
const BATCH = 64;
const PORT = 6881;
const RAW = 3;
const PROTOCOL_TCP = 6;

/** From port 40000 to the destination's, with flags at {@link FLAGS_AT}, and 12 bytes of empty options. */
const FLAGS_AT = 13;
const TCP_HEADER = Buffer.from(`9c401ae100000001000000018018ffff00000000${"01".repeat(12)}`, "hex");

const ADDRESS = BATCH * MMSGHDR.bytes;
const VECTOR = ADDRESS + SOCKADDR.bytes4;
const PACKET = VECTOR + IOVEC.bytes;
const PACKET_BYTES = 2048;

const flood: Flood = JSON.parse(process.argv[2]);
const isTcp = flood.protocol === "tcp";
const memory = Memory.allocate(PACKET + PACKET_BYTES);
const fd = open();
const messages = memory.pointerTo(0);
let least = Number.POSITIVE_INFINITY;
for (let burst = 0; burst < flood.bursts; burst++) {
  const began = process.hrtime.bigint();
  for (let sent = 0; sent < flood.burst; sent += BATCH) {
    if (sendmmsg(fd, messages, BATCH, 0) !== BATCH) throw systemError("sendmmsg");
  }
  least = Math.min(least, Number(process.hrtime.bigint() - began) / flood.burst);
}
console.log(least);

/** A socket with its destination, and the messages that it sends, which are all equal. */
function open(): number {
  const fd = socket(SOCKET.familyIPv4, isTcp ? RAW : SOCKET.datagram, isTcp ? PROTOCOL_TCP : 0);
  if (fd < 0) throw systemError("socket");
  const { bytes, halves, words } = memory;
  halves[(ADDRESS + SOCKADDR.family) >> 1] = SOCKET.familyIPv4;
  bytes.set([PORT >> 8, PORT & 0xff], ADDRESS + SOCKADDR.port);
  bytes.set(flood.to.split(".").map(Number), ADDRESS + SOCKADDR.address4);
  if (connect(fd, memory.pointerTo(ADDRESS), SOCKADDR.bytes4) < 0) throw systemError("connect");
  const header = isTcp ? TCP_HEADER : Buffer.alloc(0);
  bytes.set(header, PACKET);
  if (isTcp && flood.flags !== undefined) bytes[PACKET + FLAGS_AT] = flood.flags;
  bytes.set(Buffer.from(flood.begins, "hex"), PACKET + header.length);
  memory.writePointer((VECTOR + IOVEC.address) >> 2, memory, PACKET);
  words[(VECTOR + IOVEC.length) >> 2] = header.length + flood.bytes;
  for (let at = 0; at < BATCH * MMSGHDR.bytes; at += MMSGHDR.bytes) {
    memory.writePointer((at + MMSGHDR.vector) >> 2, memory, VECTOR);
    words[(at + MMSGHDR.vectorLength) >> 2] = 1;
  }
  return fd;
}
