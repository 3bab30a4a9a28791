/** The bounds of `tracker.max_peers`, and of the size of a store. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { configSchema } from "../src/config/schema.ts";
import { allocateSwarmStore, shardsFor } from "../src/store/store-memory.ts";

test("what max_peers may be can be had, with any number of workers", () => {
  const isAccepted = (peers: number) => configSchema.safeParse({ tracker: { max_peers: peers } }).success;
  const accepted = [40, 60, 80, 90, 100].map((millions) => millions * 1_000_000).filter(isAccepted);
  assert.ok(accepted.length > 0);
  for (const workers of [1, 256])
    for (const peers of accepted) assert.ok(allocateSwarmStore(peers, shardsFor(workers), [1, 2]));
});
