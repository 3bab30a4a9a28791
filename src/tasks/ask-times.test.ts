import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { AskTimes, allocateAskTimes } from "./ask-times.ts";

test("what was set is found, until what is due later needs its room", () => {
  const times = new AskTimes(allocateAskTimes(4));
  assert.equal(times.find(7, 1), false);
  for (let tag = 1; tag <= 4; tag++) times.set(7, tag, 100 * tag, 60 * tag);
  assert.ok(times.find(7, 3));
  assert.deepEqual([times.due, times.interval], [300, 180]);
  times.set(7, 1, 900, 0);
  times.set(7, 5, 500, 0);
  assert.equal(times.find(7, 2), false, "was due first");
  for (const tag of [1, 3, 4, 5]) assert.ok(times.find(7, tag), `${tag}`);
});

test("tags and places of all kinds are told apart", () => {
  const times = new AskTimes(allocateAskTimes(1024));
  const word = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
  fc.assert(
    fc.property(word, word, fc.nat(), fc.nat(), fc.nat(), (place, tag, due, interval, state) => {
      times.set(place, tag, due, interval, state);
      assert.ok(times.find(place, tag));
      assert.deepEqual([times.due, times.interval, times.state], [due, interval, state]);
    }),
  );
  assert.equal(new AskTimes(allocateAskTimes(4)).find(0, 0), false, "nothing is there at first");
});
