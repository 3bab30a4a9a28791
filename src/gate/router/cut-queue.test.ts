import assert from "node:assert/strict";
import { test } from "node:test";
import { CutQueue } from "./cut-queue.ts";
import { CUT_SECONDS, CUT_SIZE } from "./nft-lists.ts";

test("endpoints are taken once, as many as have a place in the router's sets", () => {
  let now = 1000;
  const queue = new CutQueue(() => now);
  queue.add(["192.0.2.1 6881", "192.0.2.2 6881"]);
  assert.deepEqual(queue.take(1), ["192.0.2.1 6881"]);
  assert.deepEqual([queue.isEmpty, queue.take(10), queue.isEmpty], [false, ["192.0.2.2 6881"], true]);
  const many = Array.from({ length: CUT_SIZE }, (_, i) => `192.0.2.3 ${i}`);
  queue.add(many);
  const first = queue.take(CUT_SIZE).length;
  now += CUT_SECONDS - 1;
  queue.add(many);
  assert.ok(queue.isEmpty);
  // The set still has the first ones.
  now += 1;
  queue.add(many);
  assert.ok(2 + first + queue.take(CUT_SIZE).length <= CUT_SIZE);
});
