import assert from "node:assert/strict";
import { test } from "node:test";
import { TrackerFixture } from "../tracker/tracker-fixture.ts";
import { WalkCursor, type WalkVisitor, walk } from "./store-walk.ts";

/** Walks through all swarms. @returns the number of peers visited in each hold of a shard. */
function peersInHolds(tracker: TrackerFixture): number[] {
  const { store } = tracker;
  const holds: number[] = [];
  const enterShard = store.enterShard.bind(store);
  store.enterShard = (shard) => {
    holds.push(0);
    enterShard(shard);
  };
  const visitor: WalkVisitor = {
    room: Number.POSITIVE_INFINITY,
    enters: () => true,
    peer: () => holds[holds.length - 1]++,
    leaves: () => {},
  };
  assert.ok(walk(store, new WalkCursor(), visitor, 1000));
  return holds.filter((peers) => peers > 0);
}

test("a shard is held for few peers of small swarms, and for all of a swarm that is not too large", () => {
  const small = new TrackerFixture();
  for (let i = 0; i < 1000; i++) small.announce(`11.0.${i >> 8}.${i & 255}`, { swarm: i % 250 });
  const holds = peersInHolds(small);
  assert.equal(
    holds.reduce((sum, peers) => sum + peers),
    1000,
  );
  assert.ok(Math.max(...holds) <= 64, String(Math.max(...holds)));
  const large = new TrackerFixture();
  for (let i = 0; i < 300; i++) large.announce(`11.0.${i >> 8}.${i & 255}`);
  assert.deepEqual(peersInHolds(large), [300]);
});
