import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type BreakerSettings, CircuitBreaker } from "./circuit-breaker.ts";

const SETTINGS: BreakerSettings = { threshold: 3, waitMs: 1000, maxWaitMs: 8000 };

/** A breaker with the full delays. */
function breaker(): CircuitBreaker {
  return new CircuitBreaker(() => 1, SETTINGS);
}

/** A breaker that has just opened, at time 0. */
function open(): CircuitBreaker {
  const made = breaker();
  assert.deepEqual([made.fail(0), made.fail(0), made.fail(0)], [false, false, true]);
  return made;
}

test("failures in a row, and only in a row, open it", () => {
  const broken = breaker();
  for (let i = 0; i < 10; i++) {
    assert.ok(broken.admit(i));
    if (i % 3 === 2) assert.equal(broken.succeed(), false);
    else broken.fail(i);
  }
  assert.equal(broken.state, "closed");
  assert.equal(open().state, "open");
});

test("after the wait one is let through, and decides", () => {
  const broken = open();
  assert.ok(!broken.admit(999));
  assert.ok(broken.admit(1000));
  assert.equal(broken.state, "half-open");
  assert.ok(!broken.admit(1000));
  assert.equal(broken.fail(1500), false);
  assert.equal(broken.openUntilMs, 3500, "twice as long");
  assert.ok(broken.admit(3500));
  assert.equal(broken.succeed(), true);
  assert.deepEqual([broken.state, broken.failures, broken.openUntilMs], ["closed", 0, 0]);
  assert.ok(broken.admit(3500) && broken.admit(3500));
});

test("waits double up to their limit, and begin small after a success", () => {
  const broken = open();
  const waits = [];
  for (let i = 0; i < 6; i++) {
    const now = broken.openUntilMs;
    assert.ok(broken.admit(now));
    broken.fail(now);
    waits.push(broken.openUntilMs - now);
  }
  assert.deepEqual(waits, [2000, 4000, 8000, 8000, 8000, 8000]);
  broken.succeed();
  for (let i = 0; i < 3; i++) broken.fail(0);
  assert.equal(broken.openUntilMs, 1000);
});

test("requests from before it opened do not count if they fail, and close it if they succeed", () => {
  const broken = open();
  for (let i = 0; i < 10; i++) assert.equal(broken.fail(500), false);
  assert.equal(broken.openUntilMs, 1000);
  assert.equal(broken.succeed(), true);
});

test("retry in opens it at once, and is not shortened", () => {
  const broken = breaker();
  assert.equal(broken.fail(0, 60_000), true);
  assert.equal(broken.openUntilMs, 60_000);
  assert.equal(broken.fail(1000, 10_000), false);
  assert.equal(broken.openUntilMs, 60_000);
  assert.equal(breaker().fail(0, 1), true);
});

test("never means a day", () => {
  const broken = breaker();
  broken.fail(0, Number.POSITIVE_INFINITY);
  assert.equal(broken.openUntilMs, 86_400_000);
});

test("a released request admits the next one", () => {
  const broken = open();
  assert.ok(broken.admit(1000));
  broken.release(1001);
  assert.equal(broken.state, "open");
  assert.ok(broken.admit(1001));
  const closed = breaker();
  closed.release(0);
  assert.equal(closed.state, "closed");
});

test("a request without a reported result is repeated", () => {
  const broken = open();
  assert.ok(broken.admit(1000));
  assert.ok(!broken.admit(8999));
  assert.ok(broken.admit(9000));
});

test("a delay is between half and all of its maximum", () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (fraction) => {
      const broken = new CircuitBreaker(() => fraction, { ...SETTINGS, threshold: 1 });
      broken.fail(0);
      assert.ok(broken.openUntilMs >= 500 && broken.openUntilMs <= 1000);
    }),
  );
});
