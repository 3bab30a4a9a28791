import assert from "node:assert/strict";
import { test } from "node:test";
import { AskedSwarms } from "./asked-swarms.ts";

const hash = (number: number) => Uint32Array.of(Math.imul(number, 0x9e3779b1), number, 2, 3, 4);

test("a swarm is asked about again when its time has come", () => {
  const asked = new AskedSwarms(64, [1, 2]);
  assert.ok(asked.admit(hash(1), 100, 160));
  assert.ok(!asked.admit(hash(1), 159, 220));
  assert.ok(asked.admit(hash(2), 159, 220));
  assert.ok(asked.admit(hash(1), 160, 220));
  assert.ok(asked.admit(hash(1), 161, 221, true), "anew");
  assert.ok(!asked.admit(hash(1), 220, 280));
  asked.postpone(hash(1), 1000);
  assert.ok(!asked.admit(hash(1), 899, 959, true));
  assert.ok(!asked.admit(hash(1), 999, 1100));
  assert.ok(asked.admit(hash(1), 1000, 1100));
});

test("with twice as many entries as swarms few are forgotten, and those that are wait shortest", () => {
  const swarms = 100_000;
  const asked = new AskedSwarms(2 ** 18, [1, 2]);
  for (let i = 0; i < swarms; i++) assert.ok(asked.admit(hash(i), 0, 1800));
  let early = 0;
  for (let i = 0; i < swarms; i++) if (asked.admit(hash(i), 1, 1801)) early++;
  assert.ok(early < swarms * 0.02, `${early}`);
  const small = new AskedSwarms(8, [1, 2]);
  for (let i = 0; i < 8; i++) small.admit(hash(i), 0, 100 + i);
  small.admit(hash(8), 1, 200);
  assert.ok(small.admit(hash(0), 1, 201), "the first to be asked again made room");
  assert.ok(!small.admit(hash(7), 1, 201));
});
