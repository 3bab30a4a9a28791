/** The UDP codec against an encoder and a decoder that are written as BEP 15 has its tables. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  ANNOUNCE_EVENT,
  AnnounceRequest,
  AnnounceResponse,
  coarseLeft,
  LEFT_MAX,
} from "../model/announce.ts";
import { CLIENT_ERROR, CLIENT_ERRORS, OK } from "../model/client-error.ts";
import { SCRAPE_LIMIT, ScrapeRequest, ScrapeResponse } from "../model/scrape.ts";
import {
  ANNOUNCE_HEAD_BYTES,
  encodeUdpAnnounce,
  encodeUdpConnect,
  encodeUdpError,
  encodeUdpScrape,
  UDP_PEER_ROOM,
} from "./udp-reply.ts";
import { believeUdpAddress, decodeUdpAnnounce, decodeUdpScrape, UDP_ACTION, UdpHead } from "./udp-request.ts";

const MARGIN = 7;
const word = fc.nat(0xffffffff);
const long = fc.bigInt(0n, 2n ** 64n - 1n);
const hash = fc.uint8Array({ minLength: 20, maxLength: 20 });

/** Big-endian fields of so many bits, one after the other. */
function plain(...fields: (readonly [bits: number, value: number | bigint] | Uint8Array)[]): Buffer {
  const parts = fields.map((field) => {
    if (field instanceof Uint8Array) return field;
    const [bits, value] = field;
    return Buffer.from(
      BigInt.asUintN(bits, BigInt(value))
        .toString(16)
        .padStart(bits / 4, "0"),
      "hex",
    );
  });
  return Buffer.concat(parts);
}

/** In the middle of other bytes. */
function among(datagram: Uint8Array): [DataView, number, number] {
  const bytes = new Uint8Array(MARGIN + datagram.length + MARGIN).fill(0xfe);
  bytes.set(datagram, MARGIN);
  return [new DataView(bytes.buffer), MARGIN, MARGIN + datagram.length];
}

/** What an encoder wrote, and that it wrote nothing else. */
function written(encode: (out: DataView, offset: number) => number): Buffer {
  const bytes = Buffer.from(new ArrayBuffer(4096)).fill(0xfe);
  const end = encode(new DataView(bytes.buffer), MARGIN);
  assert.ok(bytes.subarray(0, MARGIN).every((byte) => byte === 0xfe));
  assert.ok(bytes.subarray(end).every((byte) => byte === 0xfe));
  return bytes.subarray(MARGIN, end);
}

const hashOf = ({ infoHash }: { infoHash: Uint32Array }, at = 0) =>
  Buffer.from([...infoHash.subarray(at, at + 5)].map((w) => w.toString(16).padStart(8, "0")).join(""), "hex");

describe("requests", () => {
  const head = new UdpHead();

  it("connect", () => {
    fc.assert(
      fc.property(word, fc.uint8Array({ maxLength: 50 }), (transactionId, more) => {
        const datagram = plain([64, 0x41727101980n], [32, 0], [32, transactionId], more);
        assert.equal(head.parse(...among(datagram)), UDP_ACTION.connect);
        assert.equal(head.transactionId, transactionId | 0);
      }),
    );
  });

  it("announce", () => {
    const events = [
      ANNOUNCE_EVENT.none,
      ANNOUNCE_EVENT.completed,
      ANNOUNCE_EVENT.started,
      ANNOUNCE_EVENT.stopped,
      ANNOUNCE_EVENT.paused,
    ];
    const fields = fc.record({
      id: long,
      transactionId: word,
      hash,
      left: fc.oneof(long, fc.bigInt(0n, 5n), fc.constant(2n ** 63n)),
      event: fc.nat(4),
      address: word,
      numWant: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
      port: fc.integer({ min: 1, max: 65535 }),
    });
    fc.assert(
      fc.property(fields, hash, long, (made, peerId, other) => {
        const { id, transactionId, left, event, address, numWant, port } = made;
        const datagram = plain(
          [64, id],
          [32, 1],
          [32, transactionId],
          made.hash,
          peerId,
          [64, other],
          [64, left],
          [64, ~other],
          [32, event],
          [32, address],
          [32, 0x6b657921],
          [32, numWant],
          [16, port],
        );
        assert.equal(datagram.length, 98);
        const [bytes, start, end] = among(datagram);
        const request = new AnnounceRequest();
        request.hasOther = true;
        assert.equal(head.parse(bytes, start, end), UDP_ACTION.announce);
        assert.deepEqual(
          [head.connectionHigh, head.connectionLow],
          [Number(id >> 32n) | 0, Number(id & 0xffffffffn) | 0],
        );
        assert.equal(head.transactionId, transactionId | 0);
        assert.equal(decodeUdpAnnounce(bytes, start, request), OK);
        assert.deepEqual(hashOf(request), Buffer.from(made.hash));
        const id20 = Buffer.from(peerId);
        assert.deepEqual(
          [...request.peerId],
          Array.from(request.peerId, (_, i) => id20.readUInt32BE(4 * i)),
        );
        assert.equal(request.left, left >= 2n ** 63n ? LEFT_MAX : coarseLeft(Number(left)));
        assert.equal(request.left === 0, left === 0n);
        const sums = [other, BigInt.asUintN(64, ~other)].map((sum) => (sum >= 2n ** 63n ? -1 : Number(sum)));
        const exact = left >= 2n ** 63n ? -1 : Number(left);
        assert.deepEqual([...request.transferred], [...sums, exact]);
        assert.equal(request.event, events[event]);
        assert.equal(request.numWant, numWant < 0 ? -1 : numWant);
        assert.deepEqual([request.port, request.otherPort, request.hasOther], [port, port, false]);
        request.address.setIPv4(7);
        believeUdpAddress(bytes, start, request);
        assert.deepEqual([request.address.family, request.address.words[0]], [4, address || 7]);
      }),
    );
  });

  it("scrape", () => {
    const request = new ScrapeRequest();
    fc.assert(
      fc.property(
        long,
        word,
        fc.array(hash, { minLength: 1, maxLength: 80, size: "max" }),
        (id, tid, all) => {
          const [bytes, start, end] = among(plain([64, id], [32, 2], [32, tid], ...all));
          assert.equal(head.parse(bytes, start, end), UDP_ACTION.scrape);
          const error = decodeUdpScrape(bytes, start, end, request);
          assert.equal(error, all.length > SCRAPE_LIMIT ? CLIENT_ERROR.scrapeTooMany : OK);
          if (error !== OK) return;
          assert.equal(request.count, all.length);
          for (const [i, each] of all.entries()) {
            assert.deepEqual(hashOf({ infoHash: request.infoHashes }, i * 5), Buffer.from(each));
          }
        },
      ),
    );
  });
});

describe("replies", () => {
  it("connect", () => {
    fc.assert(
      fc.property(word, word, word, (tid, high, low) => {
        const reply = written((bytes, at) => encodeUdpConnect(bytes, at, tid, high, low));
        assert.deepEqual(reply, plain([32, 0], [32, tid], [32, high], [32, low]));
      }),
    );
  });

  it("announce, in one frame", () => {
    const response = new AnnounceResponse();
    const family = fc.constantFrom(4 as const, 6 as const);
    fc.assert(
      fc.property(word, word, word, word, family, fc.nat(UDP_PEER_ROOM[4]), (tid, every, a, b, of, most) => {
        const count = Math.min(most, UDP_PEER_ROOM[of]);
        Object.assign(response, { interval: every, complete: a, incomplete: b, peerCount: 3, peer6Count: 3 });
        if (of === 4) response.peerCount = count;
        else response.peer6Count = count;
        const peers = Uint8Array.from({ length: count * (of === 4 ? 6 : 18) }, (_, i) => i * 7);
        const reply = written((out, at) => {
          response.writePeersTo(of, out, at + ANNOUNCE_HEAD_BYTES);
          const [view, first] =
            of === 4 ? [response.view, response.peersAt] : [response.view6, response.peers6At];
          for (const [i, byte] of peers.entries()) view.setUint8(first + i, byte);
          return encodeUdpAnnounce(out, at, tid, response, of);
        });
        assert.deepEqual(reply, plain([32, 1], [32, tid], [32, every], [32, b], [32, a], peers));
        assert.ok(reply.length <= (of === 4 ? 1472 : 1452));
      }),
    );
    assert.deepEqual(UDP_PEER_ROOM, { 4: 242, 6: 79 });
  });

  it("scrape", () => {
    const response = new ScrapeResponse();
    const files = fc.array(fc.tuple(word, word, word), { maxLength: SCRAPE_LIMIT, size: "max" });
    fc.assert(
      fc.property(word, files, (tid, all) => {
        for (const [i, [complete, downloaded, incomplete]] of all.entries()) {
          response.complete[i] = complete;
          response.downloaded[i] = downloaded;
          response.incomplete[i] = incomplete;
        }
        const reply = written((bytes, at) => encodeUdpScrape(bytes, at, tid, response, all.length));
        const fields = all.flat().map((value) => [32, value] as const);
        assert.deepEqual(reply, plain([32, 2], [32, tid], ...fields));
      }),
    );
  });

  it("error", () => {
    for (const error of Object.values(CLIENT_ERROR)) {
      const reply = written((bytes, at) => encodeUdpError(bytes, at, 5, error));
      assert.deepEqual(reply, plain([32, 3], [32, 5], Buffer.from(CLIENT_ERRORS[error].reason)));
    }
  });
});
