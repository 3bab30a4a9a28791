import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { LEFT_MAX } from "../model/announce.ts";
import { IDENTITY_BITS, isComplete, KEYS, keyOf, packPort, portOf, withIdentity } from "./layout/key.ts";
import {
  DWELL_MAX,
  dwellOf,
  identityOf,
  isCounted,
  leftOf,
  packLeecher,
  packSeeder,
  progressOf,
} from "./layout/peer.ts";
import { ageOf, becomesIdle, gotNothingTwice, progressTick } from "./peer-record.ts";

const now = fc.nat({ max: 0xffff_ffff });
const port = fc.integer({ min: 1, max: 0xffff });
const key = fc.nat({ max: KEYS - 1 });
const identity = fc.nat({ max: 2 ** IDENTITY_BITS - 1 });

test("a record of an incomplete peer holds all values, and nothing overlaps", () => {
  fc.assert(
    fc.property(
      now,
      port,
      key,
      identity,
      fc.nat({ max: LEFT_MAX }),
      fc.nat({ max: 15 }),
      (seconds, number, key, id, left, progress) => {
        fc.pre(!isComplete(key));
        const wordA = withIdentity(withIdentity(packPort(number, key), ~id & 0x3ff), id) >>> 0;
        const wordB = packLeecher(seconds, id, left, progress) >>> 0;
        assert.deepEqual(
          [portOf(wordA), keyOf(wordA), identityOf(wordA, wordB), leftOf(wordB), progressOf(wordB)],
          [number, key, id & 0x300, left, progress],
        );
        assert.equal(ageOf(wordB, seconds + 100), 100);
      },
    ),
  );
});

test("a record of a complete peer holds all values, and nothing overlaps", () => {
  fc.assert(
    fc.property(
      now,
      port,
      key,
      identity,
      fc.nat({ max: DWELL_MAX }),
      fc.boolean(),
      (seconds, number, key, id, dwell, counted) => {
        fc.pre(isComplete(key));
        const wordA = withIdentity(withIdentity(packPort(number, key), ~id & 0x3ff), id) >>> 0;
        const wordB = packSeeder(seconds, id, dwell, counted) >>> 0;
        assert.deepEqual(
          [portOf(wordA), keyOf(wordA), identityOf(wordA, wordB), dwellOf(wordB), isCounted(wordB)],
          [number, key, id, dwell, counted],
        );
        assert.equal(ageOf(wordB, seconds + 100), 100);
      },
    ),
  );
});

test("a download without progress is noticed at its first two such announces, and not again before it stalls", () => {
  const stallSeconds = 600;
  for (const interval of [270, 300, 330])
    for (let start = 0; start < 600; start += 7) {
      const progress = progressTick(start, stallSeconds);
      const found = [1, 2, 3].map((announce) => {
        const before = packLeecher(start + (announce - 1) * interval, 0, 1000, progress);
        return becomesIdle(before, start + announce * interval, stallSeconds);
      });
      // Ticks are coarse: the first announce may count for two.
      assert.equal(found[0], true);
      assert.equal(found[2], false);
      const second = packLeecher(start + 2 * interval, 0, 1000, progress);
      assert.equal(gotNothingTwice(second, start + 2 * interval, stallSeconds), true);
      const first = packLeecher(start + interval, 0, 1000, progress);
      assert.equal(found[1], !gotNothingTwice(first, start + interval, stallSeconds));
      if (interval <= 300) assert.equal(found[1], true);
    }
});
