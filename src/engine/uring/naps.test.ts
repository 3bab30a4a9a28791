import assert from "node:assert/strict";
import { test } from "node:test";
import { NAP_MICROSECONDS, Naps } from "./naps.ts";

const NAP_MS = NAP_MICROSECONDS / 1000;

/** Turns after which what was before is forgotten. */
const MANY = 2000;

/** A thread that turns when it is told to, on a clock of its own, and does not sleep. */
class Thread {
  readonly naps = new Naps(() => {}, 0);
  #now = 0;

  /** Goes through turns of so many milliseconds, in each of which so many connections come. */
  turn(turns: number, elapsedMs: number, arrivals: number): void {
    for (let i = 0; i < turns; i++) {
      this.#now += elapsedMs;
      this.naps.turn(arrivals, this.#now);
    }
  }
}

test("a nap is worth it as long as connections come in less time than it takes", () => {
  const thread = new Thread();
  thread.turn(MANY, NAP_MS * 0.9, 1);
  assert.equal(thread.naps.isWorthIt, true);
  thread.turn(MANY, NAP_MS * 1.1, 1);
  assert.equal(thread.naps.isWorthIt, false);
  thread.turn(MANY, NAP_MS * 4, 5);
  assert.equal(thread.naps.isWorthIt, true, "what a nap has gathered counts");
  thread.turn(1, NAP_MS, 0);
  assert.equal(thread.naps.isWorthIt, true, "in a turn they are served, and no more come");
});

test("turns that bring no connection do not lead to naps, however many they are", () => {
  const thread = new Thread();
  thread.turn(MANY, NAP_MS / 10, 0);
  assert.equal(thread.naps.isWorthIt, false);
  thread.turn(MANY, NAP_MS / 10, 1);
  assert.equal(thread.naps.isWorthIt, true);
  thread.turn(10, NAP_MS / 10, 0);
  assert.equal(thread.naps.isWorthIt, false, "soon after the last connection");
});

test("a few connections at once wake an idle thread, and no nap holds them up", () => {
  const thread = new Thread();
  thread.turn(10, NAP_MS / 10, 1);
  assert.equal(thread.naps.isWorthIt, false, "of a thread that has just begun");
  thread.turn(MANY, NAP_MS / 10, 1);
  assert.equal(thread.naps.isWorthIt, true);
  thread.turn(1, 50, 0);
  thread.turn(10, NAP_MS / 10, 1);
  assert.equal(thread.naps.isWorthIt, false, "of one that has waited for long");
});

test("a nap is as long as it says", () => {
  const slept: number[] = [];
  new Naps((microseconds) => slept.push(microseconds), 0).take();
  assert.deepEqual(slept, [NAP_MICROSECONDS]);
});
