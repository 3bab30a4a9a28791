import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseAddress } from "../model/address-text.ts";
import { ANNOUNCE_EVENT, AnnounceRequest } from "../model/announce.ts";
import { COUNTER } from "../model/counters.ts";
import { parsePrefix } from "../network/prefix.ts";
import { buildPrefixTable } from "../network/prefix-table.ts";
import { POLL_PEER_ID, Polls, peerIdWords } from "./polls.ts";
import { TrackerFixture } from "./tracker-fixture.ts";

const polls = new Polls({
  addresses: buildPrefixTable([{ prefix: parsePrefix("13.0.0.9/32").prefix, value: 1 }]),
  peerIds: peerIdWords("0123456789012345678A"),
});

describe("polls", () => {
  function pollFrom(address: string, peerId: string): AnnounceRequest {
    const request = new AnnounceRequest();
    request.address.copyFrom(parseAddress(address));
    request.peerId.set(peerIdWords(peerId));
    return request;
  }

  test("are recognized by address and peer_id", () => {
    assert.ok(polls.includes(pollFrom("13.0.0.9", "-TR4060-0a1b2c3d4e5f")));
    assert.ok(polls.includes(pollFrom("99.0.0.1", "0123456789012345678A")));
    assert.ok(polls.includes(pollFrom("99.0.0.1", `${POLL_PEER_ID}0a1b2c3d4e5f`)));
    assert.ok(!polls.includes(pollFrom("13.0.0.8", "-TR4060-0a1b2c3d4e5f")));
    assert.ok(!polls.includes(pollFrom("13.0.0.8", "0123456789012345678B")));
    assert.ok(!polls.includes(new AnnounceRequest()));
  });

  for (const policy of ["nearest", "bridged"] as const) {
    test(`are answered with announced peers, and change nothing (${policy})`, () => {
      const tasks: number[] = [];
      const push = (...[, , , start, end]: [number, number, Uint8Array, number, number]) =>
        tasks.push(end - start) > 0;
      const options = { polls, refreshSeconds: 60, tasks: { push }, selection: { policy } };
      const fixture = new TrackerFixture(options);
      fixture.announce("13.0.0.9");
      assert.deepEqual([fixture.store.swarmCount, fixture.counters[COUNTER.polls], tasks.length], [0, 1, 0]);
      fixture.announce("11.0.0.1", { left: 0 });
      fixture.announce("11.0.0.2");
      fixture.learn(13, 0, 0, 1, 0x1a, 0xe1, 11, 0, 0, 3, 0x1a, 0xe1);
      fixture.clock.seconds += 3600;
      fixture.announce("13.0.0.9", { event: ANNOUNCE_EVENT.started });
      assert.deepEqual(new Set(fixture.returnedAll()), new Set(["11.0.0.1 6881", "11.0.0.2 6881"]));
      assert.deepEqual([fixture.response.complete, fixture.response.incomplete], [1, 1]);
      assert.equal(fixture.store.peerCount, 4);
      assert.equal(tasks.length, 1);
    });
  }
});
