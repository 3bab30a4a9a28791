/** An engine and a client around a UdpService, for tests. It checks the service against the contract and BEP 15. */
import assert from "node:assert/strict";
import { DATAGRAM_REPLY_BYTES, DatagramExchange, type DatagramService } from "../../src/engine/engine.ts";
import { parseAddress } from "../../src/model/address-text.ts";

/** The start of a connect request. */
export const PROTOCOL = "\0\0\x04\x17\x27\x10\x19\x80";

/** Bytes around input and output that must be neither read nor written. */
const MARGIN = 64;

const ACTIONS = ["connect", "announce", "scrape", "error"] as const;

/** A reply, split into the fields of BEP 15. */
export interface UdpReply {
  readonly action: (typeof ACTIONS)[number];
  readonly transactionId: number;
  /** The rest, one character per byte. */
  readonly body: string;
  readonly length: number;
}

/** Sends datagrams from one address. */
export class FakeSender {
  readonly #service: DatagramService;
  readonly #exchange = new DatagramExchange();

  constructor(service: DatagramService, remote: string) {
    this.#service = service;
    parseAddress(remote).writeBytes(new Uint8Array(this.#exchange.remote.buffer), 0);
    this.#exchange.remotePort = 6881;
    this.#exchange.output = new DataView(new ArrayBuffer(MARGIN + DATAGRAM_REPLY_BYTES + MARGIN));
    this.#exchange.outputStart = MARGIN;
  }

  /** Connects. @returns the connection id. */
  connect(): string {
    const reply = this.send(`${PROTOCOL}\0\0\0\0tran`);
    assert.equal(reply?.action, "connect");
    assert.equal(reply.body.length, 8);
    return reply.body;
  }

  /**
   * Sends one datagram.
   * @param around the value of the bytes before and after it.
   * @returns the reply, if there is one.
   */
  send(datagram: string, around = "\0"): UdpReply | undefined {
    const exchange = this.#exchange;
    const margin = around.repeat(MARGIN).slice(0, MARGIN);
    const input = Buffer.from(margin + datagram + margin, "latin1");
    exchange.input = new DataView(input.buffer, input.byteOffset, input.byteLength);
    exchange.start = MARGIN;
    exchange.end = MARGIN + datagram.length;
    this.#service.expect(exchange.input, exchange.start, exchange.end);
    const written = this.#service.serve(exchange);
    assert.ok(Number.isInteger(written) && written >= 0 && written <= DATAGRAM_REPLY_BYTES);
    const output = Buffer.from(exchange.output.buffer);
    const isUntouched = (start: number, end: number) =>
      output.subarray(start, end).every((byte) => byte === 0);
    const end = MARGIN + DATAGRAM_REPLY_BYTES;
    assert.ok(isUntouched(0, MARGIN) && isUntouched(end, end + MARGIN), "wrote beyond its room");
    const reply = Buffer.from(output.subarray(MARGIN, MARGIN + written));
    output.fill(0);
    if (written === 0) return undefined;
    assert.ok(written >= 8, "a reply has an action and a transaction id");
    return {
      action: ACTIONS[reply.readUInt32BE(0)],
      transactionId: reply.readUInt32BE(4),
      body: reply.toString("latin1", 8),
      length: written,
    };
  }
}
