import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Answer, noReply } from "../client/outcome.ts";
import { isItsFault, timesOf } from "./reply-facts.ts";

const NOW = 1_800_000_000;
const REFUSAL: Answer = {
  answered: true,
  latencyMs: 5,
  interval: undefined,
  minInterval: undefined,
  complete: undefined,
  incomplete: undefined,
  peers: new Uint8Array(0),
  peers6: new Uint8Array(0),
  failureReason: "passkey not found",
  warningMessage: undefined,
  trackerId: undefined,
  retryIn: undefined,
};

describe("a failure reason", () => {
  it("is about the client that was asked for: others wait for their own answers", () => {
    const { swarm, client } = timesOf(REFUSAL, NOW);
    assert.deepEqual([swarm, client], [undefined, NOW + 1800]);
  });

  it("is about that client, too, if it says when to come again: nothing is to be had before", () => {
    const { swarm, client, interval } = timesOf({ ...REFUSAL, retryIn: 600 }, NOW);
    assert.deepEqual([swarm, client, interval], [undefined, NOW + 600, 0]);
  });
});

describe("which failures make a tracker back off", () => {
  it("is that it fails, not what a client would have it asked", () => {
    for (const kind of ["timeout", "refused", "cut", "not bencode", "redirect"] as const)
      assert.equal(isItsFault(noReply(kind)), true, kind);
    for (const kind of ["url", "busy", "closed"] as const)
      assert.equal(isItsFault(noReply(kind)), false, kind);
    for (const status of [204, 429, 500, 503]) assert.equal(isItsFault({ kind: "status", status }), true);
    for (const status of [400, 401, 403, 404]) assert.equal(isItsFault({ kind: "status", status }), false);
  });
});
