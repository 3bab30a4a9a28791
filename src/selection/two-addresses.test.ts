/** A client with two addresses that announces from each is one client: one role, and at most one bridge of its home. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ANNOUNCE_EVENT } from "../model/announce.ts";
import { bridged, outside } from "../tracker/bridged-fixture.ts";
import type { TrackerFixture } from "../tracker/tracker-fixture.ts";

const CLIENTS = 4;

const addressesOf = (client: number) => [`11.0.0.${1 + client}`, `2001:db8:11::${1 + client}`] as const;
const portOf = (client: number) => 7000 + client;

/** Announces a client from one of its addresses. Each announce has progress. */
function announce(fixture: TrackerFixture, client: number, lane: number, left: number, hasStopped = false) {
  fixture.announce(addressesOf(client)[lane], {
    port: portOf(client),
    client: 1 + client,
    left,
    event: hasStopped ? ANNOUNCE_EVENT.stopped : ANNOUNCE_EVENT.none,
  });
}

function isBridge(fixture: TrackerFixture, client: number, lane: number): boolean {
  return fixture.isBridge(addressesOf(client)[lane], portOf(client));
}

test("a client is a bridge at both of its addresses, and a lost bridge is replaced by one client", () => {
  const fixture = bridged({ bridges: 1 });
  outside(fixture);
  for (const client of [0, 1, 2]) for (const lane of [0, 1]) announce(fixture, client, lane, 100);
  const bridges = () => [1, 2].map((client) => [isBridge(fixture, client, 0), isBridge(fixture, client, 1)]);
  assert.ok(isBridge(fixture, 0, 0) && isBridge(fixture, 0, 1));
  assert.deepEqual(bridges(), [
    [false, false],
    [false, false],
  ]);
  for (const lane of [0, 1]) announce(fixture, 0, lane, 100, true);
  // The second client announces from its second address only, the third from both.
  announce(fixture, 1, 1, 99);
  for (const lane of [0, 1]) announce(fixture, 2, lane, 99);
  announce(fixture, 1, 0, 99);
  assert.deepEqual(bridges(), [
    [false, false],
    [true, true],
  ]);
});

test("whatever clients announce from two addresses, in whatever order, each has one role and one is the bridge", () => {
  const step = fc.record({
    client: fc.nat(CLIENTS - 1),
    lane: fc.nat(1),
    does: fc.constantFrom("progress", "progress", "progress", "progress", "stop"),
    wait: fc.constantFrom(0, 0, 1, 5),
  });
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 60 }), (steps) => {
      const fixture = bridged({ bridges: 1 });
      outside(fixture);
      const present = new Map<number, Set<number>>();
      let left = 1000;
      for (const { client, lane, does, wait } of steps) {
        fixture.clock.seconds += wait;
        left--;
        const lanes = present.get(client) ?? new Set();
        if (does === "stop") for (const each of lanes) announce(fixture, client, each, left, true);
        else announce(fixture, client, lane, left);
        present.set(client, does === "stop" ? new Set() : lanes.add(lane));
        const roles = [...present].map(([each, its]) => [...its].map((one) => isBridge(fixture, each, one)));
        for (const role of roles) assert.equal(new Set(role).size, Math.min(1, role.length), "one role");
        const bridges = roles.filter((role) => role.includes(true)).length;
        assert.ok(bridges <= 1, `${bridges} bridges`);
      }
    }),
    { numRuns: 150 },
  );
});
