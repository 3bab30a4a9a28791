import assert from "node:assert/strict";
import { test } from "node:test";
import { CONTROL_PLANE, holderOf, lock, unlock } from "./shard-lock.ts";
import { allocateSwarmStore } from "./store-memory.ts";
import { recoverStore } from "./store-recovery.ts";
import { SwarmStore } from "./swarm-store.ts";

const POOL_LOCK = 0;

test("the shards of a crashed worker are busy until the lock of the memory is available", () => {
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

test("a shard that breaks an invariant after recovery is unlocked, and what is broken is reported", () => {
  const data = allocateSwarmStore(1000, 2, [1, 2]);
  const dead = holderOf(0);
  class Broken extends SwarmStore {
    override forgetShard(shard: number): number {
      const peers = super.forgetShard(shard);
      data.peers[shard] = 7;
      if (shard === 1) throw new Error("cannot forget");
      return peers;
    }
  }
  const victim = new SwarmStore(data, dead);
  victim.enterShard(0);
  victim.enterShard(1);
  const recovery = recoverStore(data, new Broken(data, CONTROL_PLANE), dead, 1000);
  assert.equal(recovery?.shards, 2);
  assert.match(recovery.faults.join("; "), /shard 0: 7 peers counted of 0; shard 1: .*cannot forget/);
  const other = new SwarmStore(data, holderOf(1));
  for (const shard of [0, 1]) assert.ok(other.tryEnterShard(shard, 1), `shard ${shard} is locked`);
});
