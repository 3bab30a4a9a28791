/** Decodes the query of an HTTP announce (BEP 3, 7, 21, 23). */
import { Address, type Family, readWord } from "../model/address.ts";
import {
  ANNOUNCE_EVENT,
  type AnnounceEvent,
  AnnounceRequest,
  coarseLeft,
  LEFT_MAX,
  NUM_WANT_DEFAULT,
  NUM_WANT_LIMIT,
  PEER_ID_WORDS,
  TRANSFERRED,
} from "../model/announce.ts";
import { CLIENT_ERROR, type ClientErrorCode, OK } from "../model/client-error.ts";
import { NO_ENDPOINT, parseAddress, parseEndpoint } from "./address-bytes.ts";
import { ascii, equalsBytes, hexDigit } from "./ascii.ts";
import { readDecimal } from "./decimal.ts";
import { decodeInfoHash } from "./info-hash.ts";
import { BROKEN_ESCAPE, QueryWalk } from "./query.ts";

const PEER_ID_BYTES = 4 * PEER_ID_WORDS;

/** Digits of 2^64 - 1, the largest value of `left`, `downloaded` and `uploaded`. */
const SUM_DIGITS = 20;

const MINUS = 0x2d;
const ABSENT = -1;

/** The known keys. All others are ignored. */
const KEY = {
  unknown: 0,
  infoHash: 1,
  peerId: 2,
  port: 3,
  left: 4,
  numWant: 5,
  event: 6,
  compact: 7,
  ip: 8,
  ipv4: 9,
  ipv6: 10,
  downloaded: 11,
  uploaded: 12,
  clientKey: 13,
} as const;
type Key = (typeof KEY)[keyof typeof KEY];

const INFO_HASH = ascii("info_hash");
const PEER_ID = ascii("peer_id");
const PORT = ascii("port");
const LEFT = ascii("left");
const NUM_WANT = ascii("numwant");
const DOWNLOADED = ascii("downloaded");
const UPLOADED = ascii("uploaded");
const CLIENT_KEY = ascii("key");
const EVENT = ascii("event");
const COMPACT = ascii("compact");
const IP = ascii("ip");
const IPV4 = ascii("ipv4");
const IPV6 = ascii("ipv6");
const STARTED = ascii("started");
const COMPLETED = ascii("completed");
const STOPPED = ascii("stopped");
const PAUSED = ascii("paused");
const ZERO = ascii("0");
const MINUS_ONE = ascii("-1");

/** Buffer into which one value at a time is decoded. No valid value is longer. */
const scratch = new Uint8Array(64);

/** Location of a value that is decoded only if its sender is trusted. */
class Place {
  start = ABSENT;
  end = ABSENT;

  set(start: number, end: number): void {
    this.start = start;
    this.end = end;
  }
}

/**
 * The query of one announce. Mutable, reused for every request. Of a repeated key the last value counts, except for
 * `info_hash`, which must occur once.
 */
export class AnnounceQuery {
  /** The announce. {@link decode} sets every field except `address`, which the client does not control. */
  readonly request = new AnnounceRequest();
  /** Whether peers are returned in compact form; only `compact=0` requests dictionaries (BEP 23). */
  compact = true;

  readonly #walk = new QueryWalk();
  readonly #ip = new Place();
  readonly #ipv4 = new Place();
  readonly #ipv6 = new Place();
  readonly #claimed = new Address();
  #infoHashError: ClientErrorCode = OK;
  #peerIdError: ClientErrorCode = OK;
  #portError: ClientErrorCode = OK;
  #leftError: ClientErrorCode = OK;
  #numWantError: ClientErrorCode = OK;

  /**
   * Decodes the query in `[start, end)`.
   * @returns OK, or the error; then {@link request} is undefined.
   */
  decode(bytes: Uint8Array, start: number, end: number): ClientErrorCode {
    const walk = this.#walk;
    this.#reset();
    walk.open(start, end);
    while (walk.next(bytes)) this.#take(keyOf(bytes, walk.keyStart, walk.keyEnd), bytes);
    this.request.otherPort = this.request.port;
    return (
      this.#infoHashError || this.#peerIdError || this.#portError || this.#leftError || this.#numWantError
    );
  }

  /**
   * Applies `ip=`, `ipv4=` and `ipv6=` to the decoded request, whose `address` is the sender's. Only for trusted
   * senders. `ip` replaces the address. Of `ipv4` and `ipv6`, which may have a port (BEP 7), the one of the address's
   * family replaces it, and the other one becomes the peer's second address.
   * @param bytes the input of {@link decode}.
   */
  believeAddresses(bytes: Uint8Array): ClientErrorCode {
    if (this.#ip.start !== ABSENT) {
      const error = this.believeAddress(bytes, this.#ip.start, this.#ip.end);
      if (error !== OK) return error;
    }
    return this.#believeEndpoint(bytes, this.#ipv4, 4) || this.#believeEndpoint(bytes, this.#ipv6, 6);
  }

  #believeEndpoint(bytes: Uint8Array, place: Place, family: Family): ClientErrorCode {
    const { request } = this;
    const claimed = this.#claimed;
    if (place.start === ABSENT) return OK;
    const port = parseEndpoint(scratch, 0, this.#decodePlace(bytes, place), claimed);
    if (port === NO_ENDPOINT || claimed.family !== family) return CLIENT_ERROR.addressInvalid;
    if (request.address.family === family) {
      request.address.copyFrom(claimed);
      if (port > 0) request.port = port;
    } else {
      request.otherAddress.copyFrom(claimed);
      if (port > 0) request.otherPort = port;
      request.hasOther = true;
    }
    return OK;
  }

  /** Applies the client address that a trusted forwarder passed on: `bytes[start, end)`, a query's value. */
  believeAddress(bytes: Uint8Array, start: number, end: number): ClientErrorCode {
    this.#ip.set(start, end);
    const length = this.#decodePlace(bytes, this.#ip);
    if (!parseAddress(scratch, 0, length, this.#claimed)) return CLIENT_ERROR.addressInvalid;
    this.request.address.copyFrom(this.#claimed);
    return OK;
  }

  #decodePlace(bytes: Uint8Array, place: Place): number {
    this.#walk.open(place.start, place.end);
    return this.#walk.decodeValue(bytes, scratch);
  }

  /** Resets all fields to the values of missing keys. */
  #reset(): void {
    const { request } = this;
    request.event = ANNOUNCE_EVENT.none;
    request.left = LEFT_MAX;
    request.numWant = NUM_WANT_DEFAULT;
    request.transferred[TRANSFERRED.downloaded] = ABSENT;
    request.transferred[TRANSFERRED.uploaded] = ABSENT;
    request.transferred[TRANSFERRED.left] = ABSENT;
    request.hasOther = false;
    request.peerId.fill(0);
    request.clientKey = 0;
    this.compact = true;
    this.#ip.start = ABSENT;
    this.#ipv4.start = ABSENT;
    this.#ipv6.start = ABSENT;
    this.#infoHashError = CLIENT_ERROR.infoHashMissing;
    this.#peerIdError = OK;
    this.#portError = CLIENT_ERROR.portMissing;
    this.#leftError = OK;
    this.#numWantError = OK;
  }

  /** Decodes the value of the current key. */
  #take(key: Key, bytes: Uint8Array): void {
    const walk = this.#walk;
    switch (key) {
      case KEY.infoHash:
        this.#takeInfoHash(bytes);
        break;
      case KEY.peerId:
        this.#takePeerId(walk.decodeValue(bytes, scratch));
        break;
      case KEY.port:
        this.#takePort(walk.decodeValue(bytes, scratch));
        break;
      case KEY.left:
        this.#takeLeft(walk.decodeValue(bytes, scratch));
        break;
      case KEY.numWant:
        this.#takeNumWant(walk.decodeValue(bytes, scratch));
        break;
      case KEY.downloaded:
        readSum(walk.decodeValue(bytes, scratch), this.request.transferred, TRANSFERRED.downloaded);
        break;
      case KEY.uploaded:
        readSum(walk.decodeValue(bytes, scratch), this.request.transferred, TRANSFERRED.uploaded);
        break;
      case KEY.clientKey:
        this.request.clientKey = readKey(walk.decodeValue(bytes, scratch));
        break;
      case KEY.event:
        this.request.event = eventOf(walk.decodeValue(bytes, scratch));
        break;
      case KEY.compact:
        this.compact = !equalsBytes(scratch, 0, walk.decodeValue(bytes, scratch), ZERO);
        break;
      case KEY.ip:
        this.#ip.set(walk.valueStart, walk.skipValue(bytes));
        break;
      case KEY.ipv4:
        this.#ipv4.set(walk.valueStart, walk.skipValue(bytes));
        break;
      case KEY.ipv6:
        this.#ipv6.set(walk.valueStart, walk.skipValue(bytes));
        break;
      default:
        walk.skipValue(bytes);
    }
  }

  #takeInfoHash(bytes: Uint8Array): void {
    const isFirst = this.#infoHashError === CLIENT_ERROR.infoHashMissing;
    const error = decodeInfoHash(this.#walk, bytes, this.request.infoHash, 0);
    this.#infoHashError = isFirst ? error : CLIENT_ERROR.infoHashRepeated;
  }

  // Each of these reads the first `length` bytes of scratch. `length` is negative if the value could not be decoded.

  #takePeerId(length: number): void {
    this.#peerIdError = length === PEER_ID_BYTES ? OK : orEscape(length, CLIENT_ERROR.peerIdLength);
    for (let i = 0; i < PEER_ID_WORDS; i++) this.request.peerId[i] = readWord(scratch, 4 * i);
  }

  #takePort(length: number): void {
    const port = readDecimal(scratch, 0, length, 0xffff);
    const error = length === 0 ? CLIENT_ERROR.portMissing : CLIENT_ERROR.portInvalid;
    this.#portError = port > 0 ? OK : orEscape(length, error);
    if (port > 0) this.request.port = port;
  }

  /** A client without metadata sends -1 or an empty value: unknown, but not complete. */
  #takeLeft(length: number): void {
    const isUnknown = length === 0 || equalsBytes(scratch, 0, length, MINUS_ONE);
    const left = length > SUM_DIGITS ? -1 : readDecimal(scratch, 0, length, Number.POSITIVE_INFINITY);
    this.#leftError = isUnknown || left >= 0 ? OK : orEscape(length, CLIENT_ERROR.leftInvalid);
    this.request.left = left >= 0 ? coarseLeft(left) : LEFT_MAX;
    this.request.transferred[TRANSFERRED.left] = left;
  }

  #takeNumWant(length: number): void {
    const isNegative = length > 0 && scratch[0] === MINUS;
    const value = readDecimal(scratch, isNegative ? 1 : 0, length, Number.POSITIVE_INFINITY);
    this.#numWantError = length === 0 || value >= 0 ? OK : orEscape(length, CLIENT_ERROR.numWantInvalid);
    const isDefault = isNegative || value < 0;
    this.request.numWant = isDefault ? NUM_WANT_DEFAULT : Math.min(value, NUM_WANT_LIMIT);
  }
}

/** The key in `[start, end)`. */
function keyOf(bytes: Uint8Array, start: number, end: number): Key {
  switch (end - start) {
    case 2:
      return equalsBytes(bytes, start, end, IP) ? KEY.ip : KEY.unknown;
    case 3:
      return equalsBytes(bytes, start, end, CLIENT_KEY) ? KEY.clientKey : KEY.unknown;
    case 4:
      if (equalsBytes(bytes, start, end, PORT)) return KEY.port;
      if (equalsBytes(bytes, start, end, LEFT)) return KEY.left;
      if (equalsBytes(bytes, start, end, IPV4)) return KEY.ipv4;
      return equalsBytes(bytes, start, end, IPV6) ? KEY.ipv6 : KEY.unknown;
    case 5:
      return equalsBytes(bytes, start, end, EVENT) ? KEY.event : KEY.unknown;
    case 7:
      if (equalsBytes(bytes, start, end, PEER_ID)) return KEY.peerId;
      if (equalsBytes(bytes, start, end, NUM_WANT)) return KEY.numWant;
      return equalsBytes(bytes, start, end, COMPACT) ? KEY.compact : KEY.unknown;
    case 8:
      return equalsBytes(bytes, start, end, UPLOADED) ? KEY.uploaded : KEY.unknown;
    case 9:
      return equalsBytes(bytes, start, end, INFO_HASH) ? KEY.infoHash : KEY.unknown;
    case 10:
      return equalsBytes(bytes, start, end, DOWNLOADED) ? KEY.downloaded : KEY.unknown;
    default:
      return KEY.unknown;
  }
}

/** Parses the number in scratch into `out[index]`. It is used for statistics only, so an invalid number is ignored. */
function readSum(length: number, out: Float64Array, index: number): void {
  out[index] = length > SUM_DIGITS ? ABSENT : readDecimal(scratch, 0, length, Number.POSITIVE_INFINITY);
}

/**
 * The `key` in scratch as 32 bits. Up to 8 hexadecimal digits are a number, as most clients write the key that they
 * send over UDP; other bytes are hashed.
 */
function readKey(length: number): number {
  let key = 0;
  let isHex = length <= 8;
  for (let i = 0; i < length && isHex; i++) {
    const digit = hexDigit(scratch[i]);
    isHex = digit >= 0;
    key = (key << 4) | digit;
  }
  if (isHex) return key | 0;
  key = 0;
  for (let i = 0; i < length; i++) key = (Math.imul(key, 31) + scratch[i]) | 0;
  return key;
}

/** The event in scratch; unknown names count as a regular announce. */
function eventOf(length: number): AnnounceEvent {
  if (equalsBytes(scratch, 0, length, STARTED)) return ANNOUNCE_EVENT.started;
  if (equalsBytes(scratch, 0, length, COMPLETED)) return ANNOUNCE_EVENT.completed;
  if (equalsBytes(scratch, 0, length, STOPPED)) return ANNOUNCE_EVENT.stopped;
  return equalsBytes(scratch, 0, length, PAUSED) ? ANNOUNCE_EVENT.paused : ANNOUNCE_EVENT.none;
}

/** The error for a value of this length: a broken escape takes precedence. */
function orEscape(length: number, error: ClientErrorCode): ClientErrorCode {
  return length === BROKEN_ESCAPE ? CLIENT_ERROR.percentEncoding : error;
}
