/** Parses and checks the responses of trackers over HTTP, so that no errors are measured. */
import { bdecode } from "../../test/support/bencode.ts";

/** One of this many responses is decoded completely. Of the others only the start is checked. */
const DECODE_EVERY = 4096;

const HEAD_END = Buffer.from("\r\n\r\n");
/** `complete` is the first key, as keys are sorted. An error would start with `failure reason`. */
const BODY_BEGINNING = Buffer.from("\r\n\r\nd8:complete");
const RETURN = 0x0d;
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
    if (this.#count++ % DECODE_EVERY === 0) checkBody(bytes.subarray(bodyStart, bodyStart + bodyLength));
    return bodyStart + bodyLength;
  }

  /**
   * @returns the length of the body; -1 if the head has another length than the last one, or its length at another
   *   place.
   */
  #readLength(bytes: Buffer, start: number, end: number): number {
    const headEnd = start + this.#headLength - HEAD_END.length;
    const lengthEnd = start + this.#lengthEnd;
    if (headEnd < start || headEnd + BODY_BEGINNING.length > end || bytes[lengthEnd] !== RETURN) return -1;
    for (let i = 0; i < BODY_BEGINNING.length; i++) if (bytes[headEnd + i] !== BODY_BEGINNING[i]) return -1;
    let length = 0;
    for (let at = start + this.#lengthStart; at < lengthEnd; at++) length = length * 10 + bytes[at] - ZERO;
    return length;
  }

  /** Searches a head. @returns whether it is complete, and the start of the body has arrived as well. */
  #learn(bytes: Buffer, start: number, end: number): boolean {
    const headEnd = bytes.indexOf(HEAD_END, start);
    if (headEnd < 0 || headEnd + BODY_BEGINNING.length > end) return false;
    const head = bytes.toString("latin1", start, headEnd + HEAD_END.length);
    const length = /\r\ncontent-length: *(\d+)\r/di.exec(head)?.indices?.[1];
    if (!head.startsWith("200", "HTTP/1.x ".length) || length === undefined)
      throw new Error(`a bad head: ${head}`);
    this.#headLength = head.length;
    [this.#lengthStart, this.#lengthEnd] = length;
    return true;
  }
}

function checkBody(body: Buffer): void {
  const answer = bdecode(body);
  const isRight =
    typeof answer === "object" &&
    !Array.isArray(answer) &&
    Number(answer.interval) > 0 &&
    Number(answer.complete) + Number(answer.incomplete) >= 0 &&
    typeof answer.peers === "string" &&
    answer.peers.length % 6 === 0;
  if (!isRight) throw new Error(`not an answer with compact peers: ${body.toString("latin1")}`);
}
