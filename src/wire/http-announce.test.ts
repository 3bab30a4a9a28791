import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { type Bencoded, bdecode, bencode } from "../../test/support/bencode.ts";
import { REPLY_BYTES } from "../engine/engine.ts";
import { type Address, writeWord } from "../model/address.ts";
import { formatAddress, parseAddress } from "../model/address-text.ts";
import { AnnounceResponse, NUM_WANT_LIMIT } from "../model/announce.ts";
import { AnnounceEncoder } from "./http-announce.ts";
import { CONNECTION } from "./http-reply.ts";

interface Peer {
  readonly address: Address;
  readonly port: number;
}

const response = new AnnounceResponse();
const encoder = new AnnounceEncoder(response);

/** The bytes of an address and port in compact form, as latin1 text. */
function compactForm({ address, port }: Peer): string {
  const bytes = new Uint8Array(18);
  address.writeBytes(bytes, 0);
  bytes.set([port >> 8, port & 0xff], 16);
  return Buffer.from(address.family === 4 ? bytes.subarray(12) : bytes).toString("latin1");
}

function fill(peers: readonly Peer[], peers6: readonly Peer[]): void {
  response.peers.set(Buffer.from(peers.map(compactForm).join(""), "latin1"));
  response.peerCount = peers.length;
  response.peers6.set(Buffer.from(peers6.map(compactForm).join(""), "latin1"));
  response.peer6Count = peers6.length;
}

/** The body of the reply, decoded; it must be bencoded as nothing else is, and as long as the head says. */
function encoded(client: string, compact: boolean): Bencoded {
  const bytes = new Uint8Array(7 + REPLY_BYTES);
  const end = encoder.encode(bytes, 7, parseAddress(client), compact, CONNECTION.unsaid);
  const text = Buffer.from(bytes.subarray(7, end)).toString("latin1");
  const bodyStart = text.indexOf("\r\n\r\n") + 4;
  const body = text.slice(bodyStart);
  assert.equal(Number(/Content-Length: (\d+)/.exec(text)?.[1]), body.length);
  const value = bdecode(Buffer.from(body, "latin1"));
  assert.equal(bencode(value), body);
  return value;
}

const port = fc.integer({ min: 1, max: 65535 });
const peersOf = (address: fc.Arbitrary<string>) =>
  fc.array(fc.record({ address: address.map(parseAddress), port }), { maxLength: 60 });
const peers = peersOf(fc.ipV4());
const peers6 = peersOf(fc.ipV6()).map((all) => all.filter(({ address }) => address.family === 6));
const counts = fc.record({
  complete: fc.maxSafeNat(),
  incomplete: fc.maxSafeNat(),
  interval: fc.nat(86_400),
  minInterval: fc.nat(86_400),
});

describe("AnnounceEncoder", () => {
  it("writes counts, intervals and both families in compact form", () => {
    fc.assert(
      fc.property(counts, peers, peers6, fc.ipV4(), (numbers, v4, v6, client) => {
        Object.assign(response, numbers);
        fill(v4, v6);
        const external = compactForm({ address: parseAddress(client), port: 0 }).slice(0, 4);
        const { complete, incomplete, interval, minInterval } = numbers;
        const expected = {
          complete,
          incomplete,
          interval,
          "min interval": minInterval,
          "external ip": external,
        };
        const compact = { peers: v4.map(compactForm).join("") };
        const compact6 = v6.length === 0 ? {} : { peers6: v6.map(compactForm).join("") };
        assert.deepEqual(encoded(client, true), { ...expected, ...compact, ...compact6 });
      }),
    );
  });

  it("writes one list of dictionaries of both families, without peer id, when the client wants no compact form", () => {
    fc.assert(
      fc.property(peers, peers6, (v4, v6) => {
        fill(v4, v6);
        const list = [...v4, ...v6].map((peer) => ({ ip: formatAddress(peer.address), port: peer.port }));
        const { peers, peers6 } = Object(encoded("192.0.2.1", false));
        assert.deepEqual(peers, list);
        assert.equal(peers6, undefined);
      }),
    );
  });

  it("tells the client its address in 4 or 16 bytes (BEP 24)", () => {
    fill([], []);
    for (const [client, bytes] of [
      ["192.0.2.1", "\xc0\0\x02\x01"],
      ["::ffff:192.0.2.1", "\xc0\0\x02\x01"],
      ["2001:db8::1", `\x20\x01\x0d\xb8${"\0".repeat(11)}\x01`],
    ]) {
      assert.equal(Object(encoded(client, true))["external ip"], bytes);
    }
  });

  it("writes peers even when there are none, and peers6 only when there are", () => {
    fill([], []);
    assert.deepEqual(Object.keys(Object(encoded("192.0.2.1", true))).sort(), [
      "complete",
      "external ip",
      "incomplete",
      "interval",
      "min interval",
      "peers",
    ]);
    assert.deepEqual(Object(encoded("192.0.2.1", false)).peers, []);
  });

  it("fits an engine's buffer with the most peers there can be", () => {
    response.complete = response.incomplete = Number.MAX_SAFE_INTEGER;
    response.peers.fill(0xff);
    response.peers6.fill(0xff);
    response.peerCount = response.peer6Count = NUM_WANT_LIMIT;
    for (let i = 0; i < NUM_WANT_LIMIT; i++) writeWord(response.peers6, 18 * i, 0xfe80ffff);
    assert.equal(Object(encoded("2001:db8::1", false)).peers.length, 2 * NUM_WANT_LIMIT);
    assert.equal(Object(encoded("2001:db8::1", true)).peers6.length, 18 * NUM_WANT_LIMIT);
  });
});
