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
import { type AnnounceKey, AnnounceKeys, KEY } from "./announce-keys.ts";
import { ascii, equalsBytes, hexDigit } from "./ascii.ts";
import { readDecimal } from "./decimal.ts";
import { decodeInfoHash } from "./info-hash.ts";
import { BROKEN_ESCAPE, QueryWalk } from "./query.ts";

const PEER_ID_BYTES = 4 * PEER_ID_WORDS;

/** Digits of 2^64 - 1, the largest value of `left`, `downloaded` and `uploaded`. */
const SUM_DIGITS = 20;

const PORT_MAX = 0xffff;

const MINUS = 0x2d;
const ABSENT = -1;

const STARTED = ascii("started");
const COMPLETED = ascii("completed");
const STOPPED = ascii("stopped");
const PAUSED = ascii("paused");
const ZERO = ascii("0");
const MINUS_ONE = ascii("-1");

/** Buffer into which one value at a time is decoded. No valid value is longer. */
const scratch = new Uint8Array(64);

/** The hexadecimal number that was read last. */
const hex = new Int32Array(1);

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
  /** What {@link decode} returned. */
  error: ClientErrorCode = OK;

  readonly #walk = new QueryWalk();
  readonly #keys: AnnounceKeys;
  readonly #ip = new Place();
  readonly #ipv4 = new Place();
  readonly #ipv6 = new Place();
  readonly #claimed = new Address();
  #infoHashError: ClientErrorCode = OK;
  #peerIdError: ClientErrorCode = OK;
  #portError: ClientErrorCode = OK;
  #leftError: ClientErrorCode = OK;
  #numWantError: ClientErrorCode = OK;

  /** @param keys what is known of the order of keys; several queries of a thread can share it. */
  constructor(keys = new AnnounceKeys()) {
    this.#keys = keys;
  }

  /**
   * Decodes the query in `[start, end)`.
   * @returns OK, or the error; then {@link request} is undefined.
   */
  decode(bytes: Uint8Array, start: number, end: number): ClientErrorCode {
    const walk = this.#walk;
    const keys = this.#keys;
    this.#reset();
    walk.open(start, end);
    for (let key = keys.first(walk, bytes); key !== KEY.none; key = keys.next(key, walk, bytes)) {
      this.#take(key, bytes);
    }
    this.request.otherPort = this.request.port;
    this.error =
      this.#infoHashError || this.#peerIdError || this.#portError || this.#leftError || this.#numWantError;
    return this.error;
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
    for (let i = 0; i < PEER_ID_WORDS; i++) request.peerId[i] = 0;
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
  #take(key: AnnounceKey, bytes: Uint8Array): void {
    const walk = this.#walk;
    switch (key) {
      case KEY.infoHash:
        this.#takeInfoHash(bytes);
        break;
      case KEY.peerId:
        if (walk.takeWords(bytes, this.request.peerId, 0)) this.#peerIdError = OK;
        else this.#takePeerId(walk.decodeValue(bytes, scratch));
        break;
      case KEY.port:
        this.#takePort(bytes);
        break;
      case KEY.left:
        this.#takeLeft(bytes);
        break;
      case KEY.numWant:
        this.#takeNumWant(bytes);
        break;
      case KEY.downloaded:
        this.#takeSum(bytes, TRANSFERRED.downloaded);
        break;
      case KEY.uploaded:
        this.#takeSum(bytes, TRANSFERRED.uploaded);
        break;
      case KEY.clientKey:
        this.request.clientKey = walk.takeHex(bytes, hex)
          ? hex[0]
          : readKey(walk.decodeValue(bytes, scratch));
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

  // A number of a few digits is read in place. Any other value is decoded into scratch; its length is negative if that is
  // not possible.

  #takePeerId(length: number): void {
    this.#peerIdError = length === PEER_ID_BYTES ? OK : orEscape(length, CLIENT_ERROR.peerIdLength);
    for (let i = 0; i < PEER_ID_WORDS; i++) this.request.peerId[i] = readWord(scratch, 4 * i);
  }

  #takePort(bytes: Uint8Array): void {
    let port = this.#walk.takeNumber(bytes);
    let error: ClientErrorCode = CLIENT_ERROR.portInvalid;
    if (port < 0) {
      const length = this.#walk.decodeValue(bytes, scratch);
      port = readDecimal(scratch, 0, length, PORT_MAX);
      error = length === 0 ? CLIENT_ERROR.portMissing : orEscape(length, error);
    }
    const isValid = port > 0 && port <= PORT_MAX;
    this.#portError = isValid ? OK : error;
    if (isValid) this.request.port = port;
  }

  /** A client without metadata sends -1 or an empty value: unknown, but not complete. */
  #takeLeft(bytes: Uint8Array): void {
    let left = this.#walk.takeNumber(bytes);
    this.#leftError = OK;
    if (left < 0) {
      const length = this.#walk.decodeValue(bytes, scratch);
      const isUnknown = length === 0 || equalsBytes(scratch, 0, length, MINUS_ONE);
      left = length > SUM_DIGITS ? -1 : readDecimal(scratch, 0, length, Number.POSITIVE_INFINITY);
      if (!isUnknown && left < 0) this.#leftError = orEscape(length, CLIENT_ERROR.leftInvalid);
    }
    this.request.left = left >= 0 ? coarseLeft(left) : LEFT_MAX;
    this.request.transferred[TRANSFERRED.left] = left;
  }

  #takeNumWant(bytes: Uint8Array): void {
    let value = this.#walk.takeNumber(bytes);
    let isNegative = false;
    this.#numWantError = OK;
    if (value < 0) {
      const length = this.#walk.decodeValue(bytes, scratch);
      isNegative = length > 0 && scratch[0] === MINUS;
      value = readDecimal(scratch, isNegative ? 1 : 0, length, Number.POSITIVE_INFINITY);
      if (length !== 0 && value < 0) this.#numWantError = orEscape(length, CLIENT_ERROR.numWantInvalid);
    }
    const isDefault = isNegative || value < 0;
    this.request.numWant = isDefault ? NUM_WANT_DEFAULT : Math.min(value, NUM_WANT_LIMIT);
  }

  /** Takes a number that is used for statistics only, so an invalid one is ignored. */
  #takeSum(bytes: Uint8Array, index: number): void {
    const sum = this.#walk.takeNumber(bytes);
    this.request.transferred[index] = sum >= 0 ? sum : readSum(this.#walk.decodeValue(bytes, scratch));
  }
}

/** The number in the first `length` bytes of scratch, or {@link ABSENT}. */
function readSum(length: number): number {
  return length > SUM_DIGITS ? ABSENT : readDecimal(scratch, 0, length, Number.POSITIVE_INFINITY);
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
