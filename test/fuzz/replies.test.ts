/**
 * Hostile replies of other trackers: each case of the corpus has its expected result, and arbitrary bytes do no harm.
 */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { parseReply } from "../../src/client/announce-reply.ts";
import { type FailureKind, PEERS_LIMIT, type TrackerReply } from "../../src/client/outcome.ts";
import { decodeAnnounce, decodeConnect, decodeError } from "../../src/client/udp-messages.ts";
import { readCases } from "./corpus.ts";

const corpus = readCases("replies", ["expect", "peers"]);
const runs = { numRuns: 3000 };

/** Checks that an answer is as its type describes. */
function assertPlain(reply: TrackerReply | FailureKind | undefined): void {
  if (reply === undefined || typeof reply === "string") return;
  for (const count of [reply.interval, reply.minInterval, reply.complete, reply.incomplete]) {
    assert.ok(count === undefined || (Number.isInteger(count) && count >= 0 && count < 2 ** 31), `${count}`);
  }
  const lists = [
    { bytes: reply.peers, size: 6 },
    { bytes: reply.peers6, size: 18 },
  ];
  for (const { bytes, size } of lists) {
    assert.equal(bytes.length % size, 0);
    assert.ok(bytes.length / size <= PEERS_LIMIT);
    for (let at = size; at <= bytes.length; at += size)
      assert.ok(bytes[at - 2] + bytes[at - 1] > 0, "port 0");
  }
  for (const text of [reply.failureReason, reply.warningMessage]) {
    if (text !== undefined) assert.match(text, /^[^\p{Cc}]{0,512}$/u);
  }
  assert.ok(reply.retryIn === undefined || reply.retryIn >= 0);
  assert.ok((reply.trackerId?.length ?? 0) <= 256);
}

describe("the corpus of answers", () => {
  it("has different names", () => {
    assert.equal(new Set(corpus.map(({ name }) => name)).size, corpus.length);
  });

  for (const { name, settings, bytes } of corpus) {
    it(name, () => {
      const reply = parseReply(Buffer.from(bytes, "latin1"));
      assertPlain(reply);
      if (typeof reply === "string") {
        assert.equal(reply, settings.get("expect"));
        return;
      }
      assert.equal("answer", settings.get("expect"));
      assert.equal(`${reply.peers.length / 6} ${reply.peers6.length / 18}`, settings.get("peers"));
    });
  }
});

describe("answers that no one thought of", () => {
  const piece = fc.oneof(
    fc.constantFrom(
      "d",
      "l",
      "e",
      "i",
      ":",
      "0:",
      "i1e",
      "i-1e",
      "i0e",
      "2:ip",
      "4:port",
      "9:192.0.2.7",
      "5:never",
    ),
    fc.constantFrom(
      "5:peers",
      "6:peers6",
      "8:interval",
      "8:complete",
      "14:failure reason",
      "8:retry in",
      "10:tracker id",
    ),
    fc.nat(99_999_999).map((length) => `${length}:`),
    fc.string({ unit: "binary-ascii", maxLength: 20 }).map((text) => `${text.length}:${text}`),
    fc.string({ unit: "binary-ascii", maxLength: 8 }),
  );
  const anyBytes = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes));

  it("made of pieces of bencode", () => {
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), fc.boolean(), (pieces, whole) => {
        const text = whole ? `d8:intervali1e${pieces.join("")}e` : pieces.join("");
        assertPlain(parseReply(Buffer.from(text, "latin1")));
      }),
      runs,
    );
  });

  it("those of the corpus, changed", () => {
    const change = fc.tuple(fc.nat(), fc.nat(255), fc.constantFrom("set", "remove", "insert", "repeat"));
    fc.assert(
      fc.property(
        fc.constantFrom(...corpus),
        fc.array(change, { minLength: 1, maxLength: 5 }),
        ({ bytes }, changes) => {
          let changed = bytes.slice(0, 2000);
          for (const [at, byte, how] of changes) {
            const place = at % (changed.length + 1);
            const insert = how === "repeat" ? changed.slice(place, place + byte) : String.fromCharCode(byte);
            const rest = changed.slice(place + Number(how === "set" || how === "remove"));
            changed = changed.slice(0, place) + (how === "remove" ? "" : insert) + rest;
          }
          assertPlain(parseReply(Buffer.from(changed, "latin1")));
        },
      ),
      runs,
    );
  });

  it("of nothing but bytes", () => {
    fc.assert(
      fc.property(anyBytes, (bytes) => assertPlain(parseReply(bytes))),
      runs,
    );
  });

  it("datagrams", () => {
    fc.assert(
      fc.property(anyBytes, fc.constantFrom(4 as const, 6 as const), (bytes, family) => {
        const datagram = Buffer.concat([Buffer.alloc(8), bytes]);
        assertPlain(decodeAnnounce(datagram, family));
        assertPlain(decodeError(datagram));
        assert.ok([undefined, 8].includes(decodeConnect(datagram)?.length));
      }),
      runs,
    );
  });
});
