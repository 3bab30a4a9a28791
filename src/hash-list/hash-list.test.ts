import assert from "node:assert/strict";
import { test } from "node:test";
import { countMissing } from "./hash-list.ts";

test("the torrents that another list lacks are counted", () => {
  const list = (...firsts: number[]) => Uint32Array.from(firsts.flatMap((first) => [first, 0, 0, 0, first]));
  assert.equal(countMissing(list(1, 2, 3), list(2)), 2);
  assert.equal(countMissing(list(), list(2)), 0);
  assert.equal(countMissing(list(5, 6), list(1, 2, 3, 4)), 2);
  assert.equal(countMissing(list(1, 9), list(1, 2, 9)), 0);
});
