import assert from "node:assert/strict";
import { test } from "node:test";
import { LEFT_MAX } from "../model/announce.ts";
import { type BridgeFinding, BridgeMemory } from "./bridge-memory.ts";

const PATIENCE = 10;

function finding(at: number, more: Partial<BridgeFinding>): BridgeFinding {
  const progress = { left: LEFT_MAX, at };
  return {
    leechers: 8,
    size: 100,
    bridge: progress,
    others: progress,
    starves: false,
    isHeldBack: false,
    ...more,
  };
}

test("two bridges, of which the second was opened as the first got nothing, are replaced by one", () => {
  const memory = new BridgeMemory();
  memory.note(finding(0, {}), new Set([1]), 0, PATIENCE);
  assert.equal(memory.note(finding(12, { starves: true }), new Set([1]), 12, PATIENCE), "more");
  assert.equal(memory.extra, 1);
  memory.note(finding(13, {}), new Set([1, 2]), 13, PATIENCE);
  assert.equal(memory.note(finding(30, { isHeldBack: true }), new Set([1, 2]), 30, PATIENCE), "others");
  assert.deepEqual([...memory.former], [1, 2]);
  assert.equal(memory.extra, 0);
  // If the new one gets nothing either, there is one more again.
  memory.note(finding(31, {}), new Set([3]), 31, PATIENCE);
  assert.equal(memory.note(finding(42, { starves: true }), new Set([3]), 42, PATIENCE), "more");
  assert.equal(memory.extra, 1);
});
