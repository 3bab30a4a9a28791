import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { INFO_HASH_WORDS, infoHashBytes } from "../model/info-hash.ts";
import { PendingSwarms } from "./pending-swarms.ts";

const swarm = (number: number) => infoHashBytes(Uint32Array.of(number, 0, 0, 0, 0));

test("swarms are taken in the order in which they were first added, each once, even if they have one hash", () => {
  const step = fc.oneof(fc.nat(900), fc.constant("take" as const));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 2000, size: "max" }), fc.boolean(), (steps, haveOneHash) => {
      const pending = new PendingSwarms(([word]) => (haveOneHash ? 5 : Math.imul(word, 0x9e3779b1)));
      const model: number[] = [];
      const infoHash = new Uint32Array(INFO_HASH_WORDS);
      for (const each of steps) {
        if (each !== "take") {
          pending.add(swarm(each));
          if (!model.includes(each)) model.push(each);
        } else {
          const expected = model.shift();
          assert.equal(pending.take(infoHash), expected !== undefined);
          if (expected !== undefined) assert.equal(infoHash[0], expected);
        }
        assert.equal(pending.size, model.length);
      }
    }),
    { numRuns: 100 },
  );
});

test("beyond 65,536 swarms those that do not wait already are dropped and counted", () => {
  const pending = new PendingSwarms(([word]) => Math.imul(word, 0x9e3779b1));
  for (let number = 0; number < 65_538; number++) pending.add(swarm(number));
  pending.add(swarm(0));
  assert.deepEqual([pending.size, pending.dropped], [65_536, 2]);
});
