/** Messages of the UDP tracker protocol, from the client's side (BEP 15, BEP 41). */
import type { Family } from "../model/address.ts";
import { PeerCollector, printable } from "./announce-reply.ts";
import type { TrackerReply } from "./outcome.ts";
import type { UdpFields } from "./outgoing-announce.ts";

/** The `action` field of requests and replies. */
export const ACTION = { connect: 0, announce: 1, error: 3 } as const;

/** Length of a reply's header: action and transaction id. */
export const REPLY_HEADER_BYTES = 8;

const CONNECT_BYTES = 16;
const PROTOCOL = 0x41727101980n;
const ANNOUNCE_BYTES = 98;
const ANNOUNCE_REPLY_BYTES = 20;
/** BEP 41: option types, and the payload limit of one URLData option. */
const OPTION = { end: 0, urlData: 2 } as const;
const URL_DATA_BYTES = 255;
/** Limit of path and query, so that the datagram fits 1,280 bytes, IPv6's minimum MTU, with all headers. */
export const URL_DATA_LIMIT = 1024;

const EMPTY = new Uint8Array(0);

/** Encodes a connect request; {@link setTransaction} fills in the transaction id. */
export function encodeConnect(): Buffer {
  const bytes = Buffer.alloc(CONNECT_BYTES);
  bytes.writeBigUInt64BE(PROTOCOL, 0);
  bytes.writeUInt32BE(ACTION.connect, 8);
  return bytes;
}

/**
 * Encodes an announce, with path and query as in BEP 41 unless the path is a slash.
 * @param path one character per byte, at most {@link URL_DATA_LIMIT}.
 */
export function encodeAnnounce(connectionId: Uint8Array, fields: UdpFields, path: string): Buffer {
  const url = Buffer.from(path === "/" ? "" : path, "latin1");
  const options = Math.ceil(url.length / URL_DATA_BYTES);
  const bytes = Buffer.alloc(ANNOUNCE_BYTES + url.length + options * 2 + Math.sign(options));
  bytes.set(connectionId, 0);
  bytes.writeUInt32BE(ACTION.announce, 8);
  bytes.set(fields.infoHash, 16);
  bytes.set(fields.peerId, 36);
  bytes.writeBigUInt64BE(BigInt(Math.trunc(fields.downloaded)), 56);
  bytes.writeBigUInt64BE(BigInt(Math.trunc(fields.left)), 64);
  bytes.writeBigUInt64BE(BigInt(Math.trunc(fields.uploaded)), 72);
  bytes.writeUInt32BE(EVENTS[fields.event], 80);
  bytes.writeUInt32BE(fields.ip >>> 0, 84);
  bytes.writeUInt32BE(fields.key >>> 0, 88);
  bytes.writeInt32BE(fields.numWant | 0, 92);
  bytes.writeUInt16BE(fields.port & 0xffff, 96);
  let at = ANNOUNCE_BYTES;
  for (let start = 0; start < url.length; start += URL_DATA_BYTES) {
    const part = url.subarray(start, start + URL_DATA_BYTES);
    bytes[at] = OPTION.urlData;
    bytes[at + 1] = part.length;
    bytes.set(part, at + 2);
    at += 2 + part.length;
  }
  if (options > 0) bytes[at] = OPTION.end;
  return bytes;
}

/** Writes the transaction id of a request. */
export function setTransaction(request: Buffer, transaction: number): void {
  request.writeUInt32BE(transaction, 12);
}

/** Decodes the connection id of a connect reply, 8 bytes; undefined if it is too short. */
export function decodeConnect(reply: Buffer): Uint8Array | undefined {
  return reply.length >= CONNECT_BYTES ? Uint8Array.from(reply.subarray(8, CONNECT_BYTES)) : undefined;
}

/** Decodes an announce reply; undefined if it is too short or has an incomplete peer. @param family of the datagram. */
export function decodeAnnounce(reply: Buffer, family: Family): TrackerReply | undefined {
  if (reply.length < ANNOUNCE_REPLY_BYTES) return undefined;
  const peers = new PeerCollector();
  if (!peers.addCompact(reply.subarray(ANNOUNCE_REPLY_BYTES), family)) return undefined;
  return {
    ...NOTHING_SAID,
    interval: count(reply, 8),
    incomplete: count(reply, 12),
    complete: count(reply, 16),
    peers: peers.bytes(4),
    peers6: peers.bytes(6),
  };
}

/** Decodes an error: its text is the failure reason. */
export function decodeError(reply: Buffer): TrackerReply {
  return { ...NOTHING_SAID, failureReason: printable(reply.subarray(REPLY_HEADER_BYTES)) };
}

const NOTHING_SAID: TrackerReply = {
  interval: undefined,
  minInterval: undefined,
  complete: undefined,
  incomplete: undefined,
  peers: EMPTY,
  peers6: EMPTY,
  failureReason: undefined,
  warningMessage: undefined,
  trackerId: undefined,
  retryIn: undefined,
};

/** BEP 15's event numbers by ours; `paused` (BEP 21) is 4, as in libtorrent. */
const EVENTS = [0, 2, 1, 3, 4];

function count(reply: Buffer, offset: number): number | undefined {
  const number = reply.readInt32BE(offset);
  return number >= 0 ? number : undefined;
}
