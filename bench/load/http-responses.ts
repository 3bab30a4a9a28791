/** Parses and checks the responses of trackers over HTTP, so that no errors are measured. */
import { type Bencoded, bdecode } from "../../test/support/bencode.ts";
import { COMPACT_BYTES } from "./udp-requests.ts";

/** One of this many responses is decoded completely. Of the others only the start is checked. */
const DECODE_EVERY = 4096;

const HEAD_END = Buffer.from("\r\n\r\n");
/** A dictionary, with any key first (chihaya does not sort them), but not with `failure reason`. */
const BODY_BEGINNING = Buffer.from("\r\n\r\nd");
/** The length of `failure reason`: no other key in a response is as long. */
const FAILURE = Buffer.from("14:");
const SEEN = BODY_BEGINNING.length + FAILURE.length;
const RETURN = 0x0d;
const SPACE = 0x20;
const ZERO = 0x30;

/**
 * Reads responses. One object for all connections. All heads of a server are alike: the length is expected at the same
 * place as in the last head. To search for it each time would cost more than the server needs for a response.
 */
export class ResponseReader {
  #count = 0;
  /** The length of the last searched head, and the start and end of the body's length in it. */
  #headLength = 0;
  #lengthStart = 0;
  #lengthEnd = 0;

  /**
   * Reads the response that starts at `start`.
   * @returns its end, or -1 if it is incomplete.
   * @throws Error if it is not a response to an announce.
   */
  read(bytes: Buffer, start: number, end: number): number {
    let bodyLength = this.#readLength(bytes, start, end);
    if (bodyLength < 0) {
      if (!this.#learn(bytes, start, end)) return -1;
      bodyLength = this.#readLength(bytes, start, end);
      if (bodyLength < 0) throw new Error(`not an answer: ${bytes.toString("latin1", start, end)}`);
    }
    const bodyStart = start + this.#headLength;
    if (bodyStart + bodyLength > end) return -1;
    if (this.#count++ % DECODE_EVERY === 0) readPeers(bytes.subarray(bodyStart, bodyStart + bodyLength));
    return bodyStart + bodyLength;
  }

  /**
   * @returns the length of the body; -1 if the head has another length than the last one, or its length at another
   *   place.
   */
  #readLength(bytes: Buffer, start: number, end: number): number {
    const headEnd = start + this.#headLength - HEAD_END.length;
    let lengthEnd = start + this.#lengthEnd;
    if (headEnd < start || headEnd + SEEN > end || bytes[lengthEnd] !== RETURN) return -1;
    // aquatic_http leaves room for eight digits.
    while (bytes[lengthEnd - 1] === SPACE) lengthEnd--;
    for (let i = 0; i < BODY_BEGINNING.length; i++) if (bytes[headEnd + i] !== BODY_BEGINNING[i]) return -1;
    if (isFailure(bytes, headEnd + BODY_BEGINNING.length)) return -1;
    let length = 0;
    for (let at = start + this.#lengthStart; at < lengthEnd; at++) length = length * 10 + bytes[at] - ZERO;
    return length;
  }

  /** Searches a head. @returns whether it is complete, and the start of the body has arrived as well. */
  #learn(bytes: Buffer, start: number, end: number): boolean {
    const headEnd = bytes.indexOf(HEAD_END, start);
    if (headEnd < 0 || headEnd + SEEN > end) return false;
    const head = bytes.toString("latin1", start, headEnd + HEAD_END.length);
    const length = /\r\ncontent-length: *(\d+ *)\r/di.exec(head)?.indices?.[1];
    if (!head.startsWith("200", "HTTP/1.x ".length) || length === undefined)
      throw new Error(`a bad head: ${head}`);
    this.#headLength = head.length;
    [this.#lengthStart, this.#lengthEnd] = length;
    return true;
  }
}

function isFailure(bytes: Buffer, at: number): boolean {
  for (let i = 0; i < FAILURE.length; i++) if (bytes[at + i] !== FAILURE[i]) return false;
  return true;
}

/** The line break with which aquatic_http ends a body. */
const LINE_BREAK = Buffer.from("\r\n");

/** @returns the value of a body, without the line break behind it. @throws Error if it is not bencoded. */
export function decodeBody(body: Buffer): Bencoded {
  const hasBreak = body.subarray(-LINE_BREAK.length).equals(LINE_BREAK);
  return bdecode(hasBreak ? body.subarray(0, -LINE_BREAK.length) : body);
}

/** @returns the compact peers of a response to an announce. @throws Error if it is none. */
export function readPeers(body: Buffer): Buffer {
  const answer = decodeBody(body);
  if (typeof answer === "object" && !Array.isArray(answer) && Number(answer.interval) > 0) {
    const { peers, complete = 0, incomplete = 0 } = answer;
    const hasCounts = Number(complete) + Number(incomplete) >= 0;
    if (typeof peers === "string" && peers.length % COMPACT_BYTES === 0 && hasCounts)
      return Buffer.from(peers, "latin1");
  }
  throw new Error(`not an answer with compact peers: ${body.toString("latin1")}`);
}
