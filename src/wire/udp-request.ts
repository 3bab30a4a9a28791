/**
 * Decodes requests of the UDP tracker protocol (BEP 15).
 *
 * Bytes after a request's fields are ignored. After an announce they are the options of BEP 41: path and query, which
 * clients copy from the torrent, sometimes with white space and line breaks. They are not needed here, and a client
 * that gets no reply because of them would consider the tracker dead.
 */
import {
  ANNOUNCE_EVENT,
  type AnnounceEvent,
  type AnnounceRequest,
  coarseLeft,
  LEFT_MAX,
  NUM_WANT_DEFAULT,
  PEER_ID_WORDS,
  TRANSFERRED,
} from "../model/announce.ts";
import { CLIENT_ERROR, type ClientErrorCode, OK } from "../model/client-error.ts";
import { INFO_HASH_BYTES, INFO_HASH_WORDS } from "../model/info-hash.ts";
import { SCRAPE_LIMIT, type ScrapeRequest } from "../model/scrape.ts";

/** The `action` field; `error` only in replies. */
export const UDP_ACTION = { connect: 0, announce: 1, scrape: 2, error: 3 } as const;
export type UdpAction = (typeof UDP_ACTION)[keyof typeof UDP_ACTION];

/** Not a valid request. It gets no reply. */
export const UDP_MALFORMED = -1;

/** The magic number of BEP 15, which a connect request has in place of a connection id. */
const PROTOCOL_HIGH = 0x417;
const PROTOCOL_LOW = 0x27101980;

/** Length of the common header: connection id, action, transaction id. */
const HEAD_BYTES = 16;
const ANNOUNCE_BYTES = 98;

/** Offsets of the fields in all requests, and in an announce. */
const AT = {
  connectionHigh: 0,
  connectionLow: 4,
  action: 8,
  transactionId: 12,
  infoHash: 16,
  peerId: 36,
  downloaded: 56,
  left: 64,
  uploaded: 72,
  event: 80,
  address: 84,
  key: 88,
  numWant: 92,
  port: 96,
} as const;

/** Events in the order of BEP 15; `paused` (BEP 21) is 4, as in libtorrent. */
const EVENTS: readonly AnnounceEvent[] = [
  ANNOUNCE_EVENT.none,
  ANNOUNCE_EVENT.completed,
  ANNOUNCE_EVENT.started,
  ANNOUNCE_EVENT.stopped,
  ANNOUNCE_EVENT.paused,
];

const TWO_32 = 2 ** 32;

/** The common header of all requests. Mutable, reused for every datagram. */
export class UdpHead {
  /** Signed, as all words here: V8 would allocate half of all unsigned ones. */
  transactionId = 0;
  /** The connection id in two words. */
  connectionHigh = 0;
  connectionLow = 0;

  /**
   * Parses the header of the datagram `[start, end)` and checks its length.
   * @returns the action, or {@link UDP_MALFORMED}.
   */
  parse(datagram: DataView, start: number, end: number): UdpAction | typeof UDP_MALFORMED {
    const length = end - start;
    if (length < HEAD_BYTES) return UDP_MALFORMED;
    this.connectionHigh = datagram.getInt32(start + AT.connectionHigh);
    this.connectionLow = datagram.getInt32(start + AT.connectionLow);
    this.transactionId = datagram.getInt32(start + AT.transactionId);
    switch (datagram.getInt32(start + AT.action)) {
      case UDP_ACTION.connect:
        return this.#isConnect() ? UDP_ACTION.connect : UDP_MALFORMED;
      case UDP_ACTION.announce:
        return length >= ANNOUNCE_BYTES ? UDP_ACTION.announce : UDP_MALFORMED;
      case UDP_ACTION.scrape:
        return length >= HEAD_BYTES + INFO_HASH_BYTES ? UDP_ACTION.scrape : UDP_MALFORMED;
      default:
        return UDP_MALFORMED;
    }
  }

  #isConnect(): boolean {
    return this.connectionHigh === PROTOCOL_HIGH && this.connectionLow === PROTOCOL_LOW;
  }
}

/** Whether the datagram `[start, end)` has the length and the action of an announce. */
export function isUdpAnnounce(datagram: DataView, start: number, end: number): boolean {
  return end - start >= ANNOUNCE_BYTES && datagram.getInt32(start + AT.action) === UDP_ACTION.announce;
}

/** Decodes what identifies the announce at `start`: info-hash, peer_id, key and port. */
export function decodeUdpIdentity(datagram: DataView, start: number, request: AnnounceRequest): void {
  request.port = datagram.getUint16(start + AT.port);
  readHash(datagram, start + AT.infoHash, request.infoHash, 0);
  for (let i = 0; i < PEER_ID_WORDS; i++) request.peerId[i] = datagram.getUint32(start + AT.peerId + 4 * i);
  request.clientKey = datagram.getInt32(start + AT.key);
}

/**
 * Decodes the announce at `start`, which {@link UdpHead.parse} has accepted. It does not set the address, nor the
 * number of peers that the reply has room for.
 * @returns OK, or the error; then the request is undefined.
 */
export function decodeUdpAnnounce(
  datagram: DataView,
  start: number,
  request: AnnounceRequest,
): ClientErrorCode {
  decodeUdpIdentity(datagram, start, request);
  if (request.port === 0) return CLIENT_ERROR.portInvalid;
  request.otherPort = request.port;
  request.hasOther = false;
  request.event = eventOf(datagram.getUint32(start + AT.event));
  readSum(datagram, start + AT.left, request.transferred, TRANSFERRED.left);
  const left = request.transferred[TRANSFERRED.left];
  request.left = left < 0 ? LEFT_MAX : coarseLeft(left);
  readSum(datagram, start + AT.downloaded, request.transferred, TRANSFERRED.downloaded);
  readSum(datagram, start + AT.uploaded, request.transferred, TRANSFERRED.uploaded);
  const numWant = datagram.getInt32(start + AT.numWant);
  request.numWant = numWant < 0 ? NUM_WANT_DEFAULT : numWant;
  return OK;
}

/** Applies the announce's own IP address field, if it is set. Only for trusted senders. */
export function believeUdpAddress(datagram: DataView, start: number, request: AnnounceRequest): void {
  const word = datagram.getUint32(start + AT.address);
  if (word !== 0) request.address.setIPv4(word);
}

/**
 * Decodes the scrape `[start, end)`, which {@link UdpHead.parse} has accepted: all complete info-hashes.
 * @returns OK, or the error.
 */
export function decodeUdpScrape(
  datagram: DataView,
  start: number,
  end: number,
  request: ScrapeRequest,
): ClientErrorCode {
  const count = Math.floor((end - start - HEAD_BYTES) / INFO_HASH_BYTES);
  if (count > SCRAPE_LIMIT) return CLIENT_ERROR.scrapeTooMany;
  request.count = count;
  for (let i = 0; i < count; i++) {
    readHash(datagram, start + HEAD_BYTES + i * INFO_HASH_BYTES, request.infoHashes, i * INFO_HASH_WORDS);
  }
  return OK;
}

/** Event numbers unknown to BEP 15 and BEP 21 count as a regular announce, as over HTTP. */
function eventOf(code: number): AnnounceEvent {
  return code < EVENTS.length ? EVENTS[code] : ANNOUNCE_EVENT.none;
}

function readHash(datagram: DataView, at: number, words: Uint32Array, index: number): void {
  for (let i = 0; i < INFO_HASH_WORDS; i++) words[index + i] = datagram.getUint32(at + 4 * i);
}

/** Reads 64 bits into `out[index]`; -1 for negative numbers, which are invalid. */
function readSum(datagram: DataView, at: number, out: Float64Array, index: number): void {
  const high = datagram.getInt32(at);
  out[index] = high < 0 ? -1 : high * TWO_32 + datagram.getUint32(at + 4);
}
