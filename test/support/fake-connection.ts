/** An engine and a tracker around an HttpService, for tests. It checks the service against the contract of both. */
import assert from "node:assert/strict";
import { Exchange, REPLY_BYTES, type StreamService } from "../../src/engine/engine.ts";
import { formatAddress, parseAddress } from "../../src/model/address-text.ts";
import {
  ANNOUNCE_EVENT,
  type AnnounceRequest,
  type AnnounceResponse,
  NUM_WANT_DEFAULT,
} from "../../src/model/announce.ts";
import { type ClientErrorCode, OK } from "../../src/model/client-error.ts";
import type { ScrapeRequest, ScrapeResponse } from "../../src/model/scrape.ts";
import { parsePrefix } from "../../src/network/prefix.ts";
import { buildPrefixTable, PrefixTable } from "../../src/network/prefix-table.ts";
import type { Asker } from "../../src/tracker/tracker.ts";
import { VIEWED_BYTES } from "../../src/wire/words.ts";

/** The answer of a fake tracker to every announce. */
export const PEERS = {
  peers: "\xc0\x00\x02\x63\x1a\xe1",
  peers6: `\x20\x01\x0d\xb8${"\0".repeat(12)}\x1a\xe1`,
};

const EVENT_NAMES = Object.keys(ANNOUNCE_EVENT);

/** Answers everything, and records the requests. */
export class FakeTracker {
  /** Requests as `name=value` words. */
  readonly seen: string[] = [];
  /** The error for announces and scrapes. */
  error: ClientErrorCode = OK;
  /** Peers of every swarm, the one that announces among them, for those who are registered first. */
  known = 1;
  /** The number of the upstream tracker that the last forwarded announce was for. */
  source = 0;
  /** How long an announce is to wait. */
  waitMs = 0;
  /** Announces that it was told of before they were served. */
  expected = 0;

  announce(request: AnnounceRequest, response: AnnounceResponse, _asker?: Asker): ClientErrorCode {
    const hash = [...request.infoHash].map((word) => word.toString(16).padStart(8, "0")).join("");
    const { port, left, numWant, event } = request;
    const other = request.hasOther ? `${formatAddress(request.otherAddress)}|${request.otherPort}` : "none";
    const from = `address=${formatAddress(request.address)} port=${port} other=${other}`;
    this.seen.push(`${from} left=${left} numwant=${numWant} event=${EVENT_NAMES[event]} hash=${hash}`);
    response.complete = 3;
    response.incomplete = 4;
    response.interval = 1800;
    response.minInterval = 900;
    response.waitMs = this.waitMs;
    response.peers.set(Buffer.from(PEERS.peers, "latin1"));
    response.peers6.set(Buffer.from(PEERS.peers6, "latin1"));
    response.peerCount = 1;
    response.peer6Count = 1;
    return this.error;
  }

  expect(): void {
    this.expected++;
  }

  register(request: AnnounceRequest, response: AnnounceResponse): ClientErrorCode {
    const error = this.announce(request, response);
    response.complete = 0;
    response.incomplete = this.known;
    response.peerCount = 0;
    response.peer6Count = 0;
    return error;
  }

  answer(request: AnnounceRequest, response: AnnounceResponse): void {
    this.announce(request, response);
    this.seen.push(`again ${this.seen.pop()}`);
  }

  answerForwarded(request: AnnounceRequest, response: AnnounceResponse, source: number): void {
    this.source = source;
    this.announce(request, response);
    this.seen.pop();
    response.peerCount = Math.min(1, this.known - 1);
    response.peer6Count = 0;
  }

  numWant({ numWant }: AnnounceRequest): number {
    return numWant === NUM_WANT_DEFAULT ? 50 : numWant;
  }

  scrape(request: ScrapeRequest, response: ScrapeResponse): ClientErrorCode {
    this.seen.push(`scrape=${request.count}`);
    response.complete.fill(0);
    response.downloaded.fill(0);
    response.incomplete.fill(0);
    return this.error;
  }
}

const tables = new Map<string, PrefixTable>();

/** A table of prefixes, from text. */
export function prefixTable(...prefixes: string[]): PrefixTable {
  const name = prefixes.join(" ");
  const entries = prefixes.map((text) => ({ prefix: parsePrefix(text).prefix, value: 1 }));
  const table = tables.get(name) ?? new PrefixTable(buildPrefixTable(entries));
  tables.set(name, table);
  return table;
}

/** One reply, split into its parts. */
export interface Reply {
  readonly status: number;
  /** The status line and the header lines. */
  readonly head: string;
  readonly body: string;
}

/** As large as an engine's receive buffer, so that the service reads it by words and decodes announces of a batch early. */
const BATCH_INPUT = Buffer.alloc(VIEWED_BYTES);

/** Bytes around input and output that must be neither read nor written. */
const MARGIN = 64;

/** One connection to a service. Everything it sends is checked against the engine's contract. */
export class FakeConnection {
  closed = false;
  /** Whether its input is a batch, which the service expects before it serves it. */
  isBatch = false;
  /** Whether it may wait, and whether it does: then for so many milliseconds, by the token that counts its waits. */
  mayDefer = false;
  deferMs = 0;
  token = 0;
  readonly #service: StreamService;
  readonly #exchange = new Exchange();
  readonly #surroundings: string;
  #input = "";
  #output = "";

  /**
   * @param remote the other end's address.
   * @param surroundings what the bytes before and after the input are made of.
   */
  constructor(service: StreamService, remote: string, surroundings = "GET / HTTP/1.1\r\n\r\n") {
    this.#service = service;
    this.#surroundings = surroundings.repeat(MARGIN).slice(0, MARGIN);
    parseAddress(remote).writeBytes(this.#exchange.remote, 0);
    this.#exchange.output = new Uint8Array(MARGIN + REPLY_BYTES + MARGIN);
    this.#exchange.outputStart = MARGIN;
  }

  /** What was received and not consumed. */
  get pending(): string {
    return this.#input;
  }

  /** All replies so far. The last one may end in nothing but the end of the connection: here it never does. */
  get replies(): Reply[] {
    const replies: Reply[] = [];
    for (let rest = this.#output; rest !== ""; ) {
      const head = rest.slice(0, rest.indexOf("\r\n\r\n"));
      const status = Number(/^HTTP\/1\.1 (\d{3}) [A-Z][A-Za-z ]+\r\n/.exec(rest)?.[1]);
      const length = Number(/\r\nContent-Length: (\d+)(\r\n|$)/.exec(head)?.[1]);
      const body = rest.slice(head.length + 4, head.length + 4 + length);
      assert.ok(status >= 200 && body.length === length, `a reply begins with ${rest.slice(0, 200)}`);
      replies.push({ status, head, body });
      rest = rest.slice(head.length + 4 + length);
    }
    return replies;
  }

  /** Receives bytes, one per character, and serves what can be served. */
  receive(text: string): void {
    if (this.closed) return;
    this.#input += text;
    while (this.#input !== "" && !this.closed && this.deferMs === 0) if (!this.#serve()) break;
  }

  /** Ends a wait. @param reply what it was for. */
  resume(reply?: unknown): void {
    assert.ok(this.deferMs > 0, "it does not wait");
    this.#exchange.resumed = true;
    this.#exchange.reply = reply;
    this.deferMs = 0;
    const consumed = this.#serve();
    this.#exchange.resumed = false;
    assert.ok(consumed, "who has waited is answered");
    this.receive("");
  }

  /** Receives bytes one at a time, or many of them in a thousand pieces. */
  trickle(text: string): void {
    const step = Math.ceil(text.length / 1000);
    for (let i = 0; i < text.length; i += step) this.receive(text.slice(i, i + step));
  }

  #serve(): boolean {
    const exchange = this.#exchange;
    const around = this.#surroundings;
    exchange.input = this.#inputBytes(around + this.#input + around);
    exchange.start = MARGIN;
    exchange.end = MARGIN + this.#input.length;
    if (this.isBatch) {
      this.#service.beginBatch();
      this.#service.expect(exchange.input, exchange.start, exchange.end);
    }
    exchange.consumed = 0;
    exchange.close = false;
    exchange.deferMs = 0;
    exchange.mayDefer = this.mayDefer && !exchange.resumed;
    exchange.token = ++this.token;
    const written = this.#service.serve(exchange);
    exchange.reply = undefined;
    assert.ok(Number.isInteger(written) && written >= 0 && written <= REPLY_BYTES);
    assert.ok(exchange.consumed >= 0 && exchange.consumed <= this.#input.length, "took more than there was");
    assert.ok(Number.isInteger(exchange.state) && exchange.state >= 0 && exchange.state < 2 ** 31);
    assert.ok(written === 0 || exchange.consumed > 0 || exchange.close, "a reply to nothing");
    this.deferMs = exchange.deferMs;
    assert.ok(
      this.deferMs === 0 || (exchange.mayDefer && written + exchange.consumed === 0),
      "waits wrongly",
    );
    this.#takeOutput(written);
    this.#input = this.#input.slice(exchange.consumed);
    this.closed = exchange.close;
    return exchange.consumed > 0;
  }

  #inputBytes(text: string): Uint8Array {
    if (!this.isBatch) return Buffer.from(text, "latin1");
    BATCH_INPUT.write(text, "latin1");
    return BATCH_INPUT;
  }

  #takeOutput(written: number): void {
    const output = Buffer.from(this.#exchange.output.buffer);
    const isUntouched = (start: number, end: number) =>
      output.subarray(start, end).every((byte) => byte === 0);
    assert.ok(
      isUntouched(0, MARGIN) && isUntouched(MARGIN + REPLY_BYTES, output.length),
      "wrote beyond its room",
    );
    this.#output += output.toString("latin1", MARGIN, MARGIN + written);
    output.fill(0, MARGIN, MARGIN + written + MARGIN);
  }
}
