/** Hostile datagrams: each case of the corpus has its expected result, and arbitrary bytes do no harm. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { allocateCounters } from "../../src/model/counters.ts";
import { ConnectionIds } from "../../src/services/connection-ids.ts";
import { Refusal } from "../../src/services/refusal.ts";
import { UdpService } from "../../src/services/udp-service.ts";
import { FakeTracker, prefixTable } from "../support/fake-connection.ts";
import { FakeSender, PROTOCOL } from "../support/fake-sender.ts";
import { type HostileDatagram, readUdpCorpus } from "./udp-corpus.ts";

const SECRET = [1, 2, 3, 4, 5, 6, 7, 8];

/** The offset of the event after the connection id. */
const EVENT_AT = 72;

function makeService(tracker: FakeTracker, believed: readonly string[]): UdpService {
  const ids = new ConnectionIds(SECRET, { seconds: 1_800_000_000 });
  const counters = allocateCounters();
  const service = new UdpService(tracker, ids, counters, new Refusal(counters), () => 0);
  service.configure({ ipParameter: prefixTable(...believed) });
  return service;
}

/** Sends a case and returns the result. */
function outcome({ from, believed, id, bytes }: HostileDatagram, around?: string) {
  const tracker = new FakeTracker();
  const service = makeService(tracker, believed);
  const sender = new FakeSender(service, from);
  const ids = {
    good: () => sender.connect(),
    bad: () => new FakeSender(service, "203.0.113.99").connect(),
    connect: () => PROTOCOL,
    none: () => "",
  };
  const datagram = ids[id]() + bytes;
  const reply = sender.send(datagram, around);
  return { length: datagram.length, reply, seen: tracker.seen.join(" ") };
}

const corpus = readUdpCorpus();

describe("the corpus of datagrams", () => {
  it("has different names", () => {
    assert.equal(new Set(corpus.map(({ name }) => name)).size, corpus.length);
  });

  for (const hostile of corpus) {
    it(hostile.name, () => {
      const whole = outcome(hostile);
      assert.equal(whole.reply?.action ?? "nothing", hostile.expected, whole.reply?.body);
      assert.ok((whole.reply?.body ?? "").includes(hostile.says), whole.reply?.body);
      for (const word of hostile.seen)
        assert.ok(` ${whole.seen} `.includes(` ${word} `), `${word} in ${whole.seen}`);
      if (hostile.seen.length === 0) assert.equal(whole.seen, "");
      if (hostile.id !== "good") assert.ok((whole.reply?.length ?? 0) <= whole.length, "no amplification");
      for (const around of ["\x01", "\x02\xff", "/"]) assert.deepEqual(outcome(hostile, around), whole);
    });
  }
});

describe("datagrams that no one thought of", () => {
  const anyBytes = fc.string({ unit: "binary-ascii", maxLength: 200 });
  const piece = fc.oneof(fc.constantFrom(...corpus.map(({ bytes }) => bytes)), anyBytes);
  const id = fc.constantFrom("good", "bad", "connect", "none");
  const soup = fc
    .array(fc.tuple(piece, fc.nat(20), fc.nat(20)), { maxLength: 3 })
    .map((pieces) => pieces.map(([text, front, back]) => text.slice(front, text.length - back)).join(""));
  const cutCase = fc
    .tuple(fc.constantFrom(...corpus), fc.nat(130))
    .map(([{ bytes }, end]) => bytes.slice(0, end));

  it("break nothing, mean the same whatever lies around them, and are never amplified", () => {
    fc.assert(
      fc.property(fc.oneof(soup, cutCase), id, (bytes, idOf) => {
        const hostile = { ...corpus[0], id: idOf as HostileDatagram["id"], bytes };
        const whole = outcome(hostile);
        assert.deepEqual(outcome(hostile, "\x02\xfe"), whole);
        if (idOf === "good") return;
        assert.ok((whole.reply?.length ?? 0) <= whole.length);
        assert.equal(whole.seen, "");
      }),
      { numRuns: 2000 },
    );
  });

  it("are answered behind a whole announce or scrape, which they do not change", () => {
    const whole = corpus.filter(({ name }) =>
      ["announce: an ordinary announce", "scrape: a scrape"].includes(name),
    );
    assert.equal(whole.length, 2);
    // A whole hash after a scrape is one more requested hash.
    const fewerThanAHash = fc.string({ unit: "binary-ascii", maxLength: 19 });
    fc.assert(
      fc.property(fc.constantFrom(...whole), anyBytes, fewerThanAHash, id, (good, many, few, idOf) => {
        const of = (bytes: string) =>
          outcome({ ...good, id: idOf as HostileDatagram["id"], bytes: good.bytes + bytes });
        const [plain, followed] = [of(""), of(good.expected === "announce" ? many : few)];
        if (idOf === "none") return;
        assert.deepEqual([followed.reply, followed.seen], [plain.reply, plain.seen]);
        assert.equal(followed.reply?.action, idOf === "good" ? good.expected : "error");
      }),
      { numRuns: 2000 },
    );
  });

  it("make no event: what is none of them is a regular announce", () => {
    const [{ bytes }] = corpus.filter(({ name }) => name === "announce: event none");
    const known = 4;
    fc.assert(
      fc.property(fc.integer({ min: known + 1, max: 0xffffffff }), (event) => {
        const field = Buffer.alloc(4);
        field.writeUInt32BE(event);
        const odd = bytes.slice(0, EVENT_AT) + field.toString("latin1") + bytes.slice(EVENT_AT + 4);
        const { reply, seen } = outcome({ ...corpus[0], id: "good", bytes: odd });
        assert.equal(reply?.action, "announce");
        assert.match(seen, /event=none/);
      }),
    );
  });
});
