import assert from "node:assert/strict";
import { test } from "node:test";
import { fractions, mean, median, spread } from "./statistics.ts";

test("the median is the middle, or between the two in the middle", () => {
  assert.equal(median([3]), 3);
  assert.equal(median([10, 2, 9]), 9);
  assert.equal(median([4, 1, 2, 10]), 3);
  assert.ok(Number.isNaN(median([])));
});

test("the median leaves the values as they were", () => {
  const values = [3, 1, 2];
  median(values);
  assert.deepEqual(values, [3, 1, 2]);
});

test("a spread is the median and the extremes", () => {
  assert.deepEqual(spread([5, 1, 2]), { median: 2, min: 1, max: 5 });
  assert.equal(mean([1, 2, 6]), 3);
});

test("fractions are the same for the same seed, differ with it, and fill [0, 1)", () => {
  const take = (seed: string) => Array.from({ length: 1000 }, fractions(seed));
  const some = take("a 1");
  assert.deepEqual(take("a 1"), some);
  assert.notDeepEqual(take("a 2"), some);
  assert.ok(some.every((each) => each >= 0 && each < 1));
  assert.ok(Math.abs(mean(some) - 0.5) < 0.05);
  assert.ok(Math.min(...some) < 0.01 && Math.max(...some) > 0.99);
});
