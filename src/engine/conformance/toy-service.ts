/** A stream service: lines of text in, bytes out. */
import { type Exchange, REPLY_BYTES, type StreamService } from "../engine.ts";
import { Watched } from "./watched.ts";

const NEWLINE = 0x0a;
const LETTER_W = 0x77;

/** The byte at `index` of the reply to `bytes N SEED`. */
function patternByte(index: number, seed: number): number {
  return (index + (index >>> 8) * 7 + seed * 31) & 0xff;
}

/** The reply to `bytes LENGTH SEED`. */
export function pattern(length: number, seed: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  for (let i = 0; i < length; i++) bytes[i] = patternByte(i, seed);
  return bytes;
}

/**
 * A request is a line that ends in `\n`:
 * - `say TEXT` is answered with `TEXT\n`, `quiet` not at all, `bytes N SEED` with N bytes of a pattern;
 * - `count` adds 1 to the connection's state and is answered with it;
 * - `remote` is answered with the remote address in hexadecimal, `become HEX` replaces it, without a reply;
 * - `wait MS TEXT` is deferred for that long and then answered with `TEXT\n`; if it may not be deferred, with `at once
 * TEXT\n`; `tokens` has the deferrals. If it is resumed with a reply, this is appended to TEXT;
 * - `bye` is answered and closes, `drop` closes without a reply, `refuse` is answered, closes and consumes nothing;
 * - any other line is answered with `?\n`.
 *
 * It also checks the engine's side of the contract, and lists errors in `violations`.
 */
export class ToyService extends Watched implements StreamService {
  readonly violations: string[] = [];
  /** Tokens of all deferrals, in order. */
  readonly tokens = new Set<number>();
  /** Addresses of proxies, in hexadecimal. */
  readonly proxies = new Set<string>();
  /** Calls by the engine. */
  calls = 0;
  /** Requests consumed. */
  requests = 0;
  /** Bytes that the service has seen; exact with a single connection. */
  seen = 0;
  /** The most requests that the engine has announced before it served the first of them. */
  mostExpected = 0;
  #consumed = 0;
  /** The input that the engine has announced and not served yet, by its offset, as it was then. */
  readonly #expected = new Map<number, string>();
  #expectedIn: Uint8Array | undefined;

  beginBatch(): void {
    this.#expected.clear();
  }

  expect(input: Uint8Array, start: number, end: number): void {
    this.#expectedIn = input;
    this.#expected.set(start, Buffer.from(input.slice(start, end)).toString("latin1"));
    this.mostExpected = Math.max(this.mostExpected, this.#expected.size);
  }

  serve(exchange: Exchange): number {
    this.#check(exchange);
    this.calls++;
    this.seen = this.#consumed + exchange.end - exchange.start;
    const newline = exchange.input.indexOf(NEWLINE, exchange.start);
    let written = 0;
    if (newline >= 0 && newline < exchange.end) {
      exchange.consumed = newline + 1 - exchange.start;
      const line = Buffer.from(exchange.input.slice(exchange.start, newline)).toString("latin1");
      written = this.#answer(line, exchange);
    }
    this.#consumed += exchange.consumed;
    if (exchange.consumed > 0) this.requests++;
    this.changed();
    return written;
  }

  isProxy(remote: Uint8Array): boolean {
    return this.proxies.has(Buffer.from(remote.slice(0, 16)).toString("hex"));
  }

  #answer(line: string, exchange: Exchange): number {
    const [command, first = "", second = ""] = line.split(" ");
    switch (command) {
      case "say":
        return write(exchange, `${line.slice(4)}\n`);
      case "quiet":
        return 0;
      case "bytes":
        return writePattern(exchange, Number(first), Number(second));
      case "count":
        return write(exchange, `${++exchange.state}\n`);
      case "remote":
        return write(exchange, `${Buffer.from(exchange.remote.slice(0, 16)).toString("hex")}\n`);
      case "become":
        exchange.remote.set(Buffer.from(first, "hex"));
        return 0;
      case "wait":
        return this.#waitOrSay(exchange, Number(first), line.slice(6 + first.length));
      case "bye":
        exchange.close = true;
        return write(exchange, "bye\n");
      case "drop":
        exchange.close = true;
        return 0;
      case "refuse":
        exchange.close = true;
        exchange.consumed = 0;
        return write(exchange, "refused\n");
      default:
        return write(exchange, "?\n");
    }
  }

  #waitOrSay(exchange: Exchange, deferMs: number, text: string): number {
    if (!exchange.mayDefer)
      return write(exchange, `${exchange.resumed ? "" : "at once "}${text}${exchange.reply ?? ""}\n`);
    exchange.consumed = 0;
    exchange.deferMs = deferMs;
    this.tokens.add(exchange.token);
    return 0;
  }

  #check(exchange: Exchange): void {
    const { input, start, end, output, outputStart, remote, consumed, close } = exchange;
    const { token, mayDefer, deferMs, resumed, reply } = exchange;
    const expected = input === this.#expectedIn ? this.#expected.get(start) : undefined;
    if (expected !== undefined) this.#expected.delete(start);
    if (expected !== undefined && expected !== Buffer.from(input.slice(start, end)).toString("latin1"))
      this.violations.push("input has changed since the service was told of it");
    if (!(start >= 0 && start < end && end <= input.length)) this.violations.push(`input [${start}, ${end})`);
    if (output.length - outputStart < REPLY_BYTES) this.violations.push("too little room for a reply");
    if (remote.length < 16) this.violations.push("remote is too short");
    if (consumed !== 0 || close || deferMs !== 0) {
      this.violations.push("consumed, close or deferMs is left over from the call before");
    }
    if (!resumed && reply !== undefined) this.violations.push("a reply to a request that was not deferred");
    if (resumed && mayDefer) this.violations.push("a resumed request may be deferred again");
    if (token === 0 || this.tokens.has(token)) this.violations.push(`token ${token}`);
    if (resumed && input[start] !== LETTER_W) this.violations.push("the resumed request was not deferred");
  }
}

function write(exchange: Exchange, text: string): number {
  const bytes = Buffer.from(text, "latin1");
  exchange.output.set(bytes, exchange.outputStart);
  return bytes.length;
}

function writePattern(exchange: Exchange, length: number, seed: number): number {
  for (let i = 0; i < length; i++) exchange.output[exchange.outputStart + i] = patternByte(i, seed);
  return length;
}
