/** A datagram service: a line of text in, bytes out. */
import {
  DATAGRAM_BYTES,
  DATAGRAM_REPLY_BYTES,
  type DatagramExchange,
  type DatagramService,
} from "../engine.ts";
import { pattern } from "./toy-service.ts";
import { Watched } from "./watched.ts";

/**
 * A datagram is a line:
 * - `say TEXT` is answered with `TEXT`, `quiet` not at all, `bytes N SEED` with N bytes of a pattern;
 * - `remote` is answered with the sender's address in hexadecimal and its port;
 * - `length …` is answered with the datagram's length;
 * - an empty datagram is answered with `empty`, any other with `?`.
 *
 * It also checks the engine's side of the contract, and lists errors in `violations`.
 */
export class ToyDatagramService extends Watched implements DatagramService {
  readonly violations: string[] = [];
  /** Calls by the engine. */
  calls = 0;
  /** All datagrams, if `remembers` is set. */
  readonly seen: string[] = [];
  remembers = false;

  /** Where the datagrams begin that the engine has announced and not served yet. */
  readonly #expected: number[] = [];
  #isServing = false;

  expect(_input: DataView, start: number): void {
    if (this.#isServing) this.#expected.length = 0;
    this.#isServing = false;
    this.#expected.push(start);
  }

  serve(exchange: DatagramExchange): number {
    const { input, start, end, output, outputStart } = exchange;
    this.#check(exchange);
    this.#checkOrder(start);
    const text = bytesOf(input).toString("latin1", start, end);
    const reply = answer(text, exchange);
    bytesOf(output).set(reply, outputStart);
    this.calls++;
    if (this.remembers) this.seen.push(text);
    this.changed();
    return reply.length;
  }

  /** Datagrams that are dropped are not served. */
  #checkOrder(start: number): void {
    this.#isServing = true;
    if (this.#expected.length === 0) return;
    const place = this.#expected.indexOf(start);
    if (place === -1) this.violations.push("served out of order, or not announced");
    this.#expected.splice(0, place + 1);
  }

  #check({ input, start, end, output, outputStart, remote, remotePort }: DatagramExchange): void {
    if (!(start >= 0 && start <= end && end <= input.byteLength))
      this.violations.push(`input [${start}, ${end})`);
    if (end - start > DATAGRAM_BYTES) this.violations.push(`${end - start} bytes are too many`);
    if (output.byteLength - outputStart < DATAGRAM_REPLY_BYTES)
      this.violations.push("too little room for a reply");
    if (remote.byteLength < 16) this.violations.push("remote is too short");
    if (!(remotePort >= 1 && remotePort <= 65535)) this.violations.push(`port ${remotePort}`);
  }
}

function bytesOf({ buffer, byteOffset, byteLength }: DataView): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

function answer(text: string, { remote, remotePort }: DatagramExchange): Buffer {
  const [command, first = "", second = ""] = text.split(" ");
  switch (command) {
    case "":
      return Buffer.from("empty");
    case "say":
      return Buffer.from(text.slice(4), "latin1");
    case "quiet":
      return Buffer.alloc(0);
    case "bytes":
      return pattern(Number(first), Number(second));
    case "remote":
      return Buffer.from(`${bytesOf(remote).toString("hex", 0, 16)} ${remotePort}`);
    case "length":
      return Buffer.from(String(text.length));
    default:
      return Buffer.from("?");
  }
}
