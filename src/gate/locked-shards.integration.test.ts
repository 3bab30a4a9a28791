import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { until } from "../../test/support/bed.ts";
import { GateRig } from "../../test/support/gate-rig.ts";
import { parseAddress } from "../model/address-text.ts";
import { INFO_HASH_WORDS } from "../model/info-hash.ts";

/** A gate that runs, in which two clients have announced, and whose shards are locked. */
function startLocked(t: TestContext) {
  const rig = new GateRig();
  const { store } = rig.fixture;
  for (const host of [1, 2]) rig.fixture.announce(`11.0.0.${host}`, { client: host });
  for (let shard = 0; shard < store.shards; shard++) store.enterShard(shard);
  const unlock = () => {
    for (let shard = 0; shard < store.shards; shard++) store.leave(shard);
  };
  rig.gate.start();
  t.after(() => rig.gate.stop());
  return { rig, unlock };
}

test("a swarm whose shard is locked for long is looked at when it is free", async (t) => {
  const { rig, unlock } = startLocked(t);
  const { counts, tables } = rig.gate.watch;
  await until("the swarm was looked at repeatedly", () => counts.looks > 2);
  assert.equal(tables.gated, 0);
  unlock();
  await until("the swarm is gated", () => tables.gated === 1);
  assert.equal(rig.gate.pending.size, 0);
});

test("nothing is explained about a swarm whose shard is locked, and it is not taken for absent", () => {
  const rig = new GateRig();
  rig.announce("11.0.0.1");
  const { store, groups, clock } = rig.fixture;
  const infoHash = new Uint32Array(INFO_HASH_WORDS);
  const address = parseAddress("11.0.0.1");
  const explain = () => rig.gate.watch.explain(infoHash, address, groups.groupOf(address), clock.seconds);
  const shard = store.enter(infoHash);
  assert.equal(explain(), "busy");
  store.leave(shard);
  assert.notEqual(explain(), undefined);
});
