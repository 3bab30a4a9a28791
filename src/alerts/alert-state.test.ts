import assert from "node:assert/strict";
import { test } from "node:test";
import { type Alert, AlertState } from "./alert-state.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const TIMES = { afterMs: MINUTE, repeatMs: 24 * HOUR, maxPerHour: 3 };

/** A state whose messages are all sent at once. */
class Sent {
  readonly state = new AlertState(TIMES);

  /** @returns what is sent at a time. */
  at(nowMs: number, ...warnings: string[]): Alert | undefined {
    const alert = this.state.update(warnings, nowMs);
    if (alert !== undefined) this.state.sent(alert, nowMs);
    return alert;
  }
}

test("a warning is sent once it has lasted, and once when it is over", () => {
  const sent = new Sent();
  assert.equal(sent.at(0, "full"), undefined);
  assert.equal(sent.at(MINUTE - 1, "full"), undefined);
  assert.deepEqual(sent.at(MINUTE, "full"), { raised: ["full"], cleared: [], remaining: [] });
  assert.equal(sent.at(2 * MINUTE, "full"), undefined);
  assert.equal(sent.at(3 * MINUTE), undefined);
  assert.deepEqual(sent.at(4 * MINUTE), { raised: [], cleared: ["full"], remaining: [] });
  assert.equal(sent.at(5 * MINUTE), undefined);
});

test("a short warning is not sent, nor is its end", () => {
  const sent = new Sent();
  for (let at = 0; at < HOUR; at += MINUTE / 2)
    assert.equal(sent.at(at, ...(at % MINUTE === 0 ? ["odd"] : [])), undefined);
});

test("a warning whose numbers change is the same one; others are listed with it", () => {
  const sent = new Sent();
  sent.at(0, "2 crashes since 2026-11-01");
  assert.equal(sent.at(MINUTE, "2 crashes since 2026-11-01")?.raised.length, 1);
  sent.at(2 * MINUTE, "3 crashes since 2026-11-02", "full");
  assert.deepEqual(sent.at(3 * MINUTE, "4 crashes since 2026-11-02", "full"), {
    raised: ["full"],
    cleared: [],
    remaining: ["4 crashes since 2026-11-02"],
  });
});

test("a warning that lasts or comes back is sent again after the repeat interval", () => {
  const sent = new Sent();
  sent.at(0, "full");
  sent.at(MINUTE, "full");
  assert.equal(sent.at(MINUTE + TIMES.repeatMs - 1, "full"), undefined);
  assert.deepEqual(sent.at(MINUTE + TIMES.repeatMs, "full")?.raised, ["full"]);
  const again = 2 * TIMES.repeatMs - HOUR;
  sent.at(again);
  assert.deepEqual(sent.at(again + MINUTE)?.cleared, ["full"]);
  sent.at(again + 2 * MINUTE, "full");
  assert.equal(sent.at(again + 5 * MINUTE, "full"), undefined, "it has come back too soon");
  assert.deepEqual(sent.at(MINUTE + 2 * TIMES.repeatMs, "full")?.raised, ["full"]);
});

test("beyond the limit per hour messages wait, and are sent together", () => {
  const sent = new Sent();
  const names = ["a", "b", "c", "d", "e"];
  for (const [i] of names.entries()) sent.at(i * MINUTE, ...names.slice(0, i + 1));
  assert.equal(sent.at(10 * MINUTE, ...names), undefined);
  assert.equal(sent.state.held, 1);
  assert.deepEqual(sent.at(MINUTE + HOUR, ...names)?.raised, ["d", "e"]);
});

test("what could not be sent stays due, and what is over meanwhile is not sent", () => {
  const state = new AlertState({ ...TIMES, afterMs: 0 });
  assert.deepEqual(state.update(["a", "b"], 0)?.raised, ["a", "b"]);
  assert.deepEqual(state.update(["b"], 1000)?.raised, ["b"]);
});

test("only so many warnings are remembered", () => {
  const state = new AlertState({ ...TIMES, afterMs: 0 });
  const many = Array.from({ length: 1000 }, (_, i) => String.fromCodePoint(0x4e00 + i));
  assert.equal(state.update(many, 0)?.raised.length, 200);
});
