import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { bdecode } from "../../test/support/bencode.ts";
import { ForwardingRig, get, QUERY } from "../../test/support/forwarding-rig.ts";
import { encodeWords, type UpstreamReply } from "./upstream-reply.ts";

let rig: ForwardingRig;

beforeEach(() => {
  rig = new ForwardingRig();
});

const decoded = ({ body }: { body: string }) => Object(bdecode(Buffer.from(body, "latin1")));

function replyWith(fields: Partial<UpstreamReply> = {}): UpstreamReply {
  const nothing = new Uint8Array(0);
  return {
    interval: 0,
    complete: 0,
    incomplete: 0,
    failure: nothing,
    more: nothing,
    peers: nothing,
    peers6: nothing,
    ...fields,
  };
}

describe("what the upstream tracker said", () => {
  const announce = get(`/ann?${QUERY}`, "Host: tracker.example");
  const words = {
    failureReason: undefined,
    warningMessage: undefined,
    trackerId: undefined,
    retryIn: undefined,
  };

  function answer(said: UpstreamReply | undefined, known = 2) {
    const connection = rig.connect();
    connection.receive(announce);
    rig.tracker.known = known;
    connection.resume(said);
    return decoded(connection.replies[0]);
  }

  it("goes into the answer", () => {
    const id = Uint8Array.of(0, 0xff, 0x20);
    const more = encodeWords({ ...words, warningMessage: "slow down", trackerId: id });
    const reply = answer(replyWith({ ...more, interval: 600, complete: 70, incomplete: 1 }));
    assert.deepEqual(
      [reply["tracker id"], reply["warning message"], reply.complete, reply.incomplete, reply.interval],
      ["\0\xff ", "slow down", 70, 4, 600],
    );
    assert.equal(reply["min interval"], 600);
  });

  it("is a failure only for whom we have no peers", () => {
    const failure = encodeWords({
      ...words,
      failureReason: "unregistered torrent",
      retryIn: 90,
      warningMessage: "w",
    });
    assert.deepEqual(answer(replyWith(failure), 1), {
      "failure reason": "unregistered torrent",
      "retry in": 2,
      "warning message": "w",
    });
    assert.equal(answer(replyWith(failure), 2).complete, 3);
    const never = encodeWords({ ...words, failureReason: "go away", retryIn: Number.POSITIVE_INFINITY });
    assert.deepEqual(answer(replyWith(never), 1), { "failure reason": "go away", "retry in": "never" });
  });

  it("may be peers, which come after ours, once each", () => {
    const ours = Buffer.from("c00002631ae1", "hex");
    const others = Buffer.from("c000020100017f0000010002", "hex");
    const reply = answer(
      replyWith({ peers: Buffer.concat([others, ours]), peers6: new Uint8Array(18).fill(7) }),
    );
    assert.equal(
      Buffer.from(reply.peers, "latin1").toString("hex"),
      Buffer.concat([ours, others]).toString("hex"),
    );
    assert.equal(reply.peers6, "\x07".repeat(18));
  });

  it("may have been nothing in time", () => {
    assert.equal(answer(undefined).interval, 1800);
  });

  it("is not believed about intervals that would be a flood", () => {
    assert.equal(answer(replyWith({ interval: 1 })).interval, 60);
    assert.equal(answer(replyWith({ interval: 7200 })).interval, 1800);
  });
});
