import assert from "node:assert/strict";
import { test } from "node:test";
import type { SwarmStore } from "../store/swarm-store.ts";
import { TrackerFixture } from "../tracker/tracker-fixture.ts";
import { type Pace, WalkCursor, type WalkVisitor, walk } from "./store-walk.ts";

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

/** A pace by which a hold takes a fixed time. It notes each rest, and the work before it. */
class NotedPace implements Pace {
  readonly rests: { worked: number; rested: number }[] = [];
  readonly #holdMs: number;
  #nowMs = 0;
  #restedAt = 0;

  constructor(store: SwarmStore, holdMs: number) {
    this.#holdMs = holdMs;
    const enterShard = store.enterShard.bind(store);
    store.enterShard = (shard) => {
      this.#nowMs += this.#holdMs;
      enterShard(shard);
    };
  }

  now(): number {
    return this.#nowMs;
  }

  rest(ms: number): void {
    this.rests.push({ worked: this.#nowMs - this.#restedAt, rested: ms });
    this.#nowMs += ms;
    this.#restedAt = this.#nowMs;
  }
}

test("a walk rests as long as it works, after a tenth of a millisecond or one longer hold", () => {
  for (const holdMs of [0.03, 0.5]) {
    const { store } = new TrackerFixture();
    const pace = new NotedPace(store, holdMs);
    const visitor = { room: Number.POSITIVE_INFINITY, enters: () => false, peer: () => {}, leaves: () => {} };
    const holds = store.shards;
    assert.ok(walk(store, new WalkCursor(), visitor, holds, pace));
    assert.equal(pace.rests.length, Math.floor(holds / (holdMs < 0.1 ? 4 : 1)));
    for (const { worked, rested } of pace.rests) {
      assert.ok(worked >= 0.1 && worked < 0.1 + holdMs + 1e-9, String(worked));
      assert.ok(rested >= worked - 1e-9, `${rested} after ${worked}`);
    }
  }
});
