/** Hostile requests: each case of the corpus has its expected result, and arbitrary bytes do no harm. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { allocateCounters } from "../../src/model/counters.ts";
import { HttpService } from "../../src/services/http-service.ts";
import { Refusal } from "../../src/services/refusal.ts";
import { FakeConnection, FakeTracker, prefixTable } from "../support/fake-connection.ts";
import { type HostileCase, readCorpus } from "./corpus.ts";

interface Outcome {
  readonly statuses: readonly number[];
  readonly closed: boolean;
  readonly last: string;
  readonly seen: string;
}

/** Sends the bytes of a case and returns the result. */
function outcome(hostile: HostileCase, send: (connection: FakeConnection) => void, around?: string): Outcome {
  const tracker = new FakeTracker();
  const counters = allocateCounters();
  const service = new HttpService(tracker, counters, new Refusal(counters), () => 0);
  service.configure({
    trustedProxies: prefixTable(...hostile.trusted),
    ipParameter: prefixTable(...hostile.believed),
  });
  const connection = new FakeConnection(service, hostile.from, around);
  send(connection);
  const { replies, closed } = connection;
  const statuses = replies.map(({ status }) => status);
  return { statuses, closed, last: replies.at(-1)?.body ?? "", seen: tracker.seen.at(-1) ?? "" };
}

/** Has the service expect what the connection receives. */
function inBatch(connection: FakeConnection): FakeConnection {
  connection.isBatch = true;
  return connection;
}

const corpus = readCorpus();

describe("the corpus", () => {
  it("has different names", () => {
    assert.equal(new Set(corpus.map(({ name }) => name)).size, corpus.length);
  });

  for (const hostile of corpus) {
    it(hostile.name, () => {
      const { bytes } = hostile;
      const whole = outcome(hostile, (connection) => connection.receive(bytes));
      assert.deepEqual(whole.statuses, hostile.statuses, whole.last);
      assert.equal(whole.closed, hostile.closed);
      assert.ok(whole.last.includes(hostile.says), whole.last);
      for (const word of hostile.seen)
        assert.ok(` ${whole.seen} `.includes(` ${word} `), `${word} in ${whole.seen}`);
      if (hostile.seen.length === 0) assert.equal(whole.seen, "");
      assert.deepEqual(
        outcome(hostile, (connection) => connection.trickle(bytes)),
        whole,
        "byte by byte",
      );
      assert.deepEqual(
        outcome(hostile, (connection) => inBatch(connection).receive(bytes)),
        whole,
        "in a batch",
      );
      for (const around of ["\r\n", "1", "%", "\xff"]) {
        assert.deepEqual(
          outcome(hostile, (connection) => connection.receive(bytes), around),
          whole,
        );
      }
    });
  }
});

describe("bytes that no one thought of", () => {
  const piece = fc.oneof(
    {
      weight: 3,
      arbitrary: fc.constantFrom(...corpus.map(({ bytes }) => bytes).filter((bytes) => bytes.length < 500)),
    },
    { weight: 2, arbitrary: fc.string({ unit: "binary-ascii", maxLength: 20 }) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        "\r\n",
        "GET /announce?",
        "PROXY ",
        "&info_hash=",
        "%",
        " HTTP/1.1\r\n",
        ",",
        '"',
      ),
    },
  );
  const mostly0 = fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(100) });
  /** Pieces of the corpus and others, cut anywhere and joined. */
  const soup = fc
    .array(fc.tuple(piece, mostly0, mostly0), { maxLength: 6 })
    .map((pieces) => pieces.map(([text, front, back]) => text.slice(front, text.length - back)).join(""));
  const cuts = fc.array(fc.nat(600), { maxLength: 4 });

  it("break nothing, and mean the same whatever lies around them", () => {
    const hostile = { ...corpus[0], trusted: ["192.0.2.0/24"], believed: ["0.0.0.0/0"] };
    fc.assert(
      fc.property(soup, cuts, (bytes, places) => {
        const whole = outcome(hostile, (connection) => connection.receive(bytes));
        for (const receive of [
          (connection: FakeConnection) => connection.receive(bytes),
          (connection: FakeConnection) => inBatch(connection).receive(bytes),
        ])
          assert.deepEqual(outcome(hostile, receive, "=%0a:"), whole);
        const pieces = outcome(hostile, (connection) => {
          const ordered = [0, ...places.sort((a, b) => a - b), bytes.length];
          for (let i = 1; i < ordered.length; i++)
            connection.receive(bytes.slice(ordered[i - 1], ordered[i]));
        });
        // A mistake in a line may be found only when the line has ended.
        assert.deepEqual(pieces.statuses, whole.statuses.slice(0, pieces.statuses.length));
        assert.ok(whole.statuses.length - pieces.statuses.length <= 1);
        assert.deepEqual(pieces.seen, whole.seen);
      }),
      { numRuns: 1000 },
    );
  });
});
