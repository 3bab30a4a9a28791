/** Takes apart and checks what trackers answer over HTTP, so that no errors are measured. */
import { bdecode } from "../../test/support/bencode.ts";

/** One in so many responses is decoded as a whole; of the others only the beginning is looked at. */
const DECODE_EVERY = 4096;

const HEAD_END = Buffer.from("\r\n\r\n");
/** `complete` comes first, as keys are sorted; a refusal would begin with `failure reason`. */
const BODY_BEGINNING = Buffer.from("\r\n\r\nd8:complete");
const RETURN = 0x0d;
const ZERO = 0x30;

/**
 * Reads responses. One for all connections. A server's heads are all alike, so that where one had its length the next
 * has it as well: looking for it each time would cost more than the server takes to answer.
 */
export class ResponseReader {
  #count = 0;
  /** Of the last head that was looked through: its length, and where in it the length of the body is, and ends. */
  #headLength = 0;
  #lengthStart = 0;
  #lengthEnd = 0;

  /**
   * Reads the response that begins at `start`.
   * @returns where it ends, or -1 when it is not all there.
   * @throws Error when it is not what a tracker answers to an announce.
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

  /** @returns the length of the body, or -1 when the head is not as long as the last, or has its length elsewhere. */
  #readLength(bytes: Buffer, start: number, end: number): number {
    const headEnd = start + this.#headLength - HEAD_END.length;
    const lengthEnd = start + this.#lengthEnd;
    if (headEnd < start || headEnd + BODY_BEGINNING.length > end || bytes[lengthEnd] !== RETURN) return -1;
    for (let i = 0; i < BODY_BEGINNING.length; i++) if (bytes[headEnd + i] !== BODY_BEGINNING[i]) return -1;
    let length = 0;
    for (let at = start + this.#lengthStart; at < lengthEnd; at++) length = length * 10 + bytes[at] - ZERO;
    return length;
  }

  /** Looks through a head. @returns whether it is all there, and the beginning of the body as well. */
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
