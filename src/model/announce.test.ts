import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { coarseLeft, LEFT_MAX, LEFT_UNIT, leftBytes } from "./announce.ts";

/** 0 to 2^64, small and large ones alike. */
const bytes = fc
  .tuple(fc.nat(64), fc.double({ min: 0, max: 1, noNaN: true }))
  .map(([bits, part]) => Math.floor(2 ** bits * part));

test("coarseLeft is 0 for a complete copy only, and otherwise fits 11 bits", () => {
  assert.equal(coarseLeft(0), 0);
  fc.assert(
    fc.property(bytes, (left) => {
      const coarse = coarseLeft(left);
      assert.ok(Number.isInteger(coarse) && coarse <= LEFT_MAX);
      assert.equal(coarse === 0, left === 0);
    }),
  );
  for (const left of [0.5, 1, 2 ** 32, 3 * 2 ** 32, 2 ** 53, 2 ** 64]) {
    assert.ok(coarseLeft(left) > 0 && coarseLeft(left) < LEFT_MAX, `${left} is a number like others`);
  }
});

test("coarseLeft keeps order", () => {
  fc.assert(fc.property(bytes, bytes, (a, b) => a > b || coarseLeft(a) <= coarseLeft(b)));
  for (let left = 0; left < 100_000; left++) assert.ok(coarseLeft(left) <= coarseLeft(left + 1));
});

test("coarseLeft shows a change of 1.6 % from 64 KiB to 100 TiB, and of 1 KiB below", () => {
  fc.assert(
    fc.property(
      bytes,
      (left) => left < 64 * LEFT_UNIT || left > 100 * 2 ** 40 || coarseLeft(left * 1.016) > coarseLeft(left),
    ),
  );
  for (let left = 1; left < 64; left++) assert.equal(coarseLeft(left * LEFT_UNIT), left);
});

test("leftBytes is the least that coarseLeft folds into a value", () => {
  for (let left = 0; left < LEFT_MAX; left++) {
    assert.equal(coarseLeft(leftBytes(left)), left);
    if (left > 64) assert.ok(coarseLeft(leftBytes(left) * 0.9999) < left);
  }
});
