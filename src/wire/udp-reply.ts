/** Encodes replies of the UDP tracker protocol (BEP 15). Each fits one unfragmented datagram. */
import { type Family, writeWord } from "../model/address.ts";
import { type AnnounceResponse, COMPACT_BYTES } from "../model/announce.ts";
import { CLIENT_ERRORS, type ClientErrorCode } from "../model/client-error.ts";
import type { ScrapeResponse } from "../model/scrape.ts";
import { ascii, writeBytes } from "./ascii.ts";
import { UDP_ACTION } from "./udp-request.ts";

const ANNOUNCE_HEAD_BYTES = 20;
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
  bytes: Uint8Array,
  offset: number,
  transactionId: number,
  connectionHigh: number,
  connectionLow: number,
): number {
  const at = writeHead(bytes, offset, UDP_ACTION.connect, transactionId);
  writeWord(bytes, at, connectionHigh);
  writeWord(bytes, at + 4, connectionLow);
  return at + 8;
}

/** Writes the reply to an announce, with the peers of one family. */
export function encodeUdpAnnounce(
  bytes: Uint8Array,
  offset: number,
  transactionId: number,
  response: AnnounceResponse,
  family: Family,
): number {
  const at = writeHead(bytes, offset, UDP_ACTION.announce, transactionId);
  writeWord(bytes, at, response.interval);
  writeWord(bytes, at + 4, response.incomplete);
  writeWord(bytes, at + 8, response.complete);
  const peers = family === 4 ? response.peers : response.peers6;
  const length = (family === 4 ? response.peerCount : response.peer6Count) * COMPACT_BYTES[family];
  const start = offset + ANNOUNCE_HEAD_BYTES;
  for (let i = 0; i < length; i++) bytes[start + i] = peers[i];
  return start + length;
}

/** Writes the reply to a scrape for `count` torrents. */
export function encodeUdpScrape(
  bytes: Uint8Array,
  offset: number,
  transactionId: number,
  response: ScrapeResponse,
  count: number,
): number {
  let at = writeHead(bytes, offset, UDP_ACTION.scrape, transactionId);
  for (let i = 0; i < count; i++, at += SCRAPE_FILE_BYTES) {
    writeWord(bytes, at, response.complete[i]);
    writeWord(bytes, at + 4, response.downloaded[i]);
    writeWord(bytes, at + 8, response.incomplete[i]);
  }
  return at;
}

/** Writes an error reply. */
export function encodeUdpError(
  bytes: Uint8Array,
  offset: number,
  transactionId: number,
  error: ClientErrorCode,
): number {
  return writeBytes(bytes, writeHead(bytes, offset, UDP_ACTION.error, transactionId), REASONS[error]);
}

function writeHead(bytes: Uint8Array, offset: number, action: number, transactionId: number): number {
  writeWord(bytes, offset, action);
  writeWord(bytes, offset + 4, transactionId);
  return offset + 8;
}
