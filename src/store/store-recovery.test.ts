import assert from "node:assert/strict";
import { test } from "node:test";
import { CONTROL_PLANE, holderOf, lock, unlock } from "./shard-lock.ts";
import { allocateSwarmStore } from "./store-memory.ts";
import { recoverStore } from "./store-recovery.ts";
import { SwarmStore } from "./swarm-store.ts";

const POOL_LOCK = 0;

test("while the memory's lock is waited for, the shards of a dead thread are busy, and no mistake", () => {
  const data = allocateSwarmStore(1000, 2, [1, 2]);
  const [dead, living] = [holderOf(0), holderOf(1)];
  new SwarmStore(data, dead).enterShard(1);
  lock(data.heap.pool, POOL_LOCK, living);
  const controlPlane = new SwarmStore(data, CONTROL_PLANE);
  assert.equal(recoverStore(data, controlPlane, dead, 1), undefined);
  assert.equal(controlPlane.tryEnterShard(1, 1), false);
  unlock(data.heap.pool, POOL_LOCK);
  assert.equal(recoverStore(data, controlPlane, dead, 1000)?.shards, 1);
  assert.ok(controlPlane.tryEnterShard(1, 1));
});
