import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Random } from "./random.ts";

const seed = fc.array(fc.integer({ min: 0, max: 0xffff_ffff }), { minLength: 4, maxLength: 4 });

test("is xoshiro128**: the first numbers from the state 1, 2, 3, 4", () => {
  const random = new Random([1, 2, 3, 4]);
  assert.deepEqual(
    Array.from({ length: 10 }, () => random.next()),
    [11520, 0, 5927040, 70819200, 2031721883, 1637235492, 1287239034, 3734860849, 3729100597, 4258142804],
  );
});

test("the same seed gives the same numbers, another seed others", () => {
  fc.assert(
    fc.property(seed, (words) => {
      const a = new Random(words);
      const b = new Random(words);
      const other = new Random(words.with(0, words[0] ^ 1));
      const numbers = Array.from({ length: 20 }, () => a.next());
      assert.deepEqual(
        Array.from(numbers, () => b.next()),
        numbers,
      );
      assert.notDeepEqual(
        Array.from(numbers, () => other.next()),
        numbers,
      );
    }),
  );
});

test("a seed of zeros does not stick at zero", () => {
  const random = new Random([0, 0, 0, 0]);
  const numbers = new Set(Array.from({ length: 100 }, () => random.next()));
  assert.ok(numbers.size > 90);
});

test("numbers stay in their range", () => {
  fc.assert(
    fc.property(seed, fc.integer({ min: 1, max: 2 ** 31 }), (words, bound) => {
      const random = new Random(words);
      for (let i = 0; i < 20; i++) {
        const below = random.below(bound);
        assert.ok(Number.isInteger(below) && below >= 0 && below < bound);
        const fraction = random.fraction();
        assert.ok(fraction >= 0 && fraction < 1);
      }
    }),
  );
});

test("the largest number of all stays below the bound", () => {
  const random = () => new Random([1, 0x831c71c7, 1, 1]);
  assert.equal(random().next(), 0xffff_ffff);
  assert.ok(random().fraction() < 1);
  assert.equal(random().below(2 ** 31), 2 ** 31 - 1);
});

test("each outcome is about as likely as the others", () => {
  for (const bound of [2, 7, 64, 1000]) {
    const random = new Random([bound, 2, 3, 4]);
    const expected = 1000;
    const counts = new Uint32Array(bound);
    for (let i = 0; i < bound * expected; i++) counts[random.below(bound)]++;
    const chiSquare = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
    const degrees = bound - 1;
    assert.ok(
      Math.abs(chiSquare - degrees) < 5 * Math.sqrt(2 * degrees),
      `bound ${bound}: chi-square ${chiSquare}`,
    );
  }
});
