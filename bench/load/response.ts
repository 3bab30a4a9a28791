/** Reads and checks what trackers answer, so that no errors are measured. */
import { bdecode } from "../../test/e2e/bencode.ts";

/** One in so many responses is decoded as a whole; of the others only the beginning is looked at. */
const DECODE_EVERY = 256;

const HEAD_END = Buffer.from("\r\n\r\n");
/** `complete` comes first, as keys are sorted; a refusal would begin with `failure reason`. */
const BODY_BEGINNING = "d8:complete";

/** Takes responses off the front of what was received. One for all connections. */
export class ResponseReader {
  /** Responses read, and the bytes of their bodies. */
  count = 0;
  bodyBytes = 0;

  /**
   * Reads one response.
   * @returns where it ends, or -1 when it is not all there.
   * @throws Error when it is not what a tracker answers to an announce.
   */
  read(bytes: Buffer, start: number, end: number): number {
    const headEnd = bytes.indexOf(HEAD_END, start);
    if (headEnd < 0 || headEnd + HEAD_END.length > end) return -1;
    const head = bytes.toString("latin1", start, headEnd);
    const length = /\r\ncontent-length: *(\d+)/i.exec(head);
    if (length === null) throw new Error(`no Content-Length: ${head}`);
    const bodyStart = headEnd + HEAD_END.length;
    const bodyEnd = bodyStart + Number(length[1]);
    if (bodyEnd > end) return -1;
    if (!head.startsWith("200", "HTTP/1.x ".length)) throw new Error(`not 200: ${head}`);
    if (bytes.toString("latin1", bodyStart, bodyStart + BODY_BEGINNING.length) !== BODY_BEGINNING) {
      throw new Error(`not an answer: ${bytes.toString("latin1", bodyStart, bodyEnd)}`);
    }
    if (this.count++ % DECODE_EVERY === 0) checkBody(bytes.subarray(bodyStart, bodyEnd));
    this.bodyBytes += bodyEnd - bodyStart;
    return bodyEnd;
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
