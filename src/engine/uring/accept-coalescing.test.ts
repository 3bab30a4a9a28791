import assert from "node:assert/strict";
import { test } from "node:test";
import { AcceptCoalescing, COLLECTED, DELAY_MICROSECONDS } from "./accept-coalescing.ts";

const DELAY_MS = DELAY_MICROSECONDS / 1000;

/** Turns after which earlier ones no longer matter. */
const MANY = 2000;

/** A thread with simulated turns and clock, which does not sleep. */
class Thread {
  readonly coalescing = new AcceptCoalescing(() => {}, 0);
  #now = 0;

  /** Simulates turns of `elapsedMs`, each with `arrivals` new connections. */
  turn(turns: number, elapsedMs: number, arrivals: number): void {
    for (let i = 0; i < turns; i++) {
      this.#now += elapsedMs;
      this.coalescing.record(arrivals, this.#now);
    }
  }
}

test("a delay is worthwhile when it collects two connections, and then as long as it collects one", () => {
  const thread = new Thread();
  thread.turn(MANY, (DELAY_MS / COLLECTED.begin) * 1.1, 1);
  assert.equal(thread.coalescing.isWorthwhile, false);
  thread.turn(MANY, (DELAY_MS / COLLECTED.begin) * 0.9, 1);
  assert.equal(thread.coalescing.isWorthwhile, true);
  thread.turn(MANY, (DELAY_MS / COLLECTED.end) * 0.9, 1);
  assert.equal(thread.coalescing.isWorthwhile, true);
  thread.turn(MANY, (DELAY_MS / COLLECTED.end) * 1.1, 1);
  assert.equal(thread.coalescing.isWorthwhile, false);
  thread.turn(MANY, DELAY_MS * 2, 5);
  assert.equal(thread.coalescing.isWorthwhile, true, "connections collected by a delay count");
  thread.turn(1, DELAY_MS, 0);
  assert.equal(thread.coalescing.isWorthwhile, true, "after a single turn without connections");
});

test("turns without connections do not lead to delays", () => {
  const thread = new Thread();
  thread.turn(MANY, DELAY_MS / 10, 0);
  assert.equal(thread.coalescing.isWorthwhile, false);
  thread.turn(MANY, DELAY_MS / 10, 1);
  assert.equal(thread.coalescing.isWorthwhile, true);
  thread.turn(10, DELAY_MS / 10, 0);
  assert.equal(thread.coalescing.isWorthwhile, false, "soon after the last connection");
});

test("a few connections to an idle thread are not delayed", () => {
  const thread = new Thread();
  thread.turn(10, DELAY_MS / 10, 1);
  assert.equal(thread.coalescing.isWorthwhile, false, "a new thread");
  thread.turn(MANY, DELAY_MS / 10, 1);
  assert.equal(thread.coalescing.isWorthwhile, true);
  thread.turn(1, 50, 0);
  thread.turn(10, DELAY_MS / 10, 1);
  assert.equal(thread.coalescing.isWorthwhile, false, "a thread that was idle");
});

test("the delay has its stated length", () => {
  const slept: number[] = [];
  new AcceptCoalescing((microseconds) => slept.push(microseconds), 0).delay();
  assert.deepEqual(slept, [DELAY_MICROSECONDS]);
});
