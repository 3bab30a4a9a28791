import assert from "node:assert/strict";
import { test } from "node:test";
import { CONTROL_PLANE, inheritLock, lock, tryLock, unlock } from "./shard-lock.ts";

const cells = () => new Int32Array(new SharedArrayBuffer(8));

test("a lock has one holder at a time", () => {
  const locks = cells();
  lock(locks, 1, 1);
  assert.equal(tryLock(locks, 1, 2, 5), false);
  assert.ok(tryLock(locks, 0, 2, 5), "another lock");
  unlock(locks, 1);
  assert.ok(tryLock(locks, 1, 2, 5));
});

test("taking a lock twice throws, and does not wait forever", () => {
  const locks = cells();
  lock(locks, 0, 3);
  assert.throws(() => lock(locks, 0, 3), /twice/);
  assert.equal(tryLock(locks, 0, 3, 1000), false, "nor for a while");
});

test("only the lock of the crashed holder is taken over", () => {
  const locks = cells();
  assert.equal(inheritLock(locks, 0, 1, CONTROL_PLANE), false);
  lock(locks, 0, 1);
  assert.equal(inheritLock(locks, 0, 2, CONTROL_PLANE), false);
  assert.equal(tryLock(locks, 0, 2, 1), false, "leaves a mark that somebody waits");
  assert.equal(inheritLock(locks, 0, 1, CONTROL_PLANE), true);
  assert.equal(inheritLock(locks, 0, 1, CONTROL_PLANE), false);
  assert.equal(tryLock(locks, 0, 2, 1), false);
  unlock(locks, 0);
  assert.ok(tryLock(locks, 0, 2, 1));
});
