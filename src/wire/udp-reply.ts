/** Encodes replies of the UDP tracker protocol (BEP 15). Each fits one unfragmented datagram. */
import type { Family } from "../model/address.ts";
import { type AnnounceResponse, COMPACT_BYTES } from "../model/announce.ts";
import { CLIENT_ERRORS, type ClientErrorCode } from "../model/client-error.ts";
import type { ScrapeResponse } from "../model/scrape.ts";
import { ascii } from "./ascii.ts";
import { UDP_ACTION } from "./udp-request.ts";

/** Bytes of the reply to an announce before its peers. */
export const ANNOUNCE_HEAD_BYTES = 20;
const SCRAPE_FILE_BYTES = 12;

/** UDP payload of an Ethernet frame in bytes: 1500 minus the headers of IP and UDP. */
const DATAGRAM_ROOM = { 4: 1472, 6: 1452 } as const satisfies Record<Family, number>;

/** Peers that fit an announce reply. All are of one family, as in BEP 15. */
export const UDP_PEER_ROOM = {
  4: Math.floor((DATAGRAM_ROOM[4] - ANNOUNCE_HEAD_BYTES) / COMPACT_BYTES[4]),
  6: Math.floor((DATAGRAM_ROOM[6] - ANNOUNCE_HEAD_BYTES) / COMPACT_BYTES[6]),
} as const satisfies Record<Family, number>;

const REASONS = CLIENT_ERRORS.map(({ reason }) => ascii(reason));

/** Writes the reply to a connect request. @returns its end, like all functions here. */
export function encodeUdpConnect(
  out: DataView,
  offset: number,
  transactionId: number,
  connectionHigh: number,
  connectionLow: number,
): number {
  const at = writeHead(out, offset, UDP_ACTION.connect, transactionId);
  out.setUint32(at, connectionHigh);
  out.setUint32(at + 4, connectionLow);
  return at + 8;
}

/** Writes the reply to an announce, whose peers of one family are there already, {@link ANNOUNCE_HEAD_BYTES} behind `offset`. */
export function encodeUdpAnnounce(
  out: DataView,
  offset: number,
  transactionId: number,
  response: AnnounceResponse,
  family: Family,
): number {
  const at = writeHead(out, offset, UDP_ACTION.announce, transactionId);
  out.setUint32(at, response.interval);
  out.setUint32(at + 4, response.incomplete);
  out.setUint32(at + 8, response.complete);
  const count = family === 4 ? response.peerCount : response.peer6Count;
  return offset + ANNOUNCE_HEAD_BYTES + count * COMPACT_BYTES[family];
}

/** Writes the reply to a scrape for `count` torrents. */
export function encodeUdpScrape(
  out: DataView,
  offset: number,
  transactionId: number,
  response: ScrapeResponse,
  count: number,
): number {
  let at = writeHead(out, offset, UDP_ACTION.scrape, transactionId);
  for (let i = 0; i < count; i++, at += SCRAPE_FILE_BYTES) {
    out.setUint32(at, response.complete[i]);
    out.setUint32(at + 4, response.downloaded[i]);
    out.setUint32(at + 8, response.incomplete[i]);
  }
  return at;
}

/** Writes an error reply. */
export function encodeUdpError(
  out: DataView,
  offset: number,
  transactionId: number,
  error: ClientErrorCode,
): number {
  const at = writeHead(out, offset, UDP_ACTION.error, transactionId);
  const reason = REASONS[error];
  for (let i = 0; i < reason.length; i++) out.setUint8(at + i, reason[i]);
  return at + reason.length;
}

function writeHead(out: DataView, offset: number, action: number, transactionId: number): number {
  out.setUint32(offset, action);
  out.setUint32(offset + 4, transactionId);
  return offset + 8;
}
