import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { LEFT_MAX } from "../model/announce.ts";
import {
  ageOf,
  COUNTED,
  DWELL_MAX,
  dwellOf,
  IDENTITY_BITS,
  identityOf,
  KEY_COMPLETE,
  KEY_MASK,
  leftOf,
  packLeecher,
  packPort,
  packSeeder,
  withIdentity,
} from "./peer-record.ts";

const now = fc.nat({ max: 0xffff_ffff });
const port = fc.integer({ min: 1, max: 0xffff });
const key = fc.nat({ max: KEY_MASK });
const identity = fc.nat({ max: 2 ** IDENTITY_BITS - 1 });

test("a record of an incomplete peer holds what was put into it, and nothing overlaps", () => {
  fc.assert(
    fc.property(
      now,
      port,
      key,
      identity,
      fc.nat({ max: LEFT_MAX }),
      fc.nat({ max: 15 }),
      (seconds, number, anyKey, id, left, progress) => {
        const key = anyKey & ~KEY_COMPLETE;
        const wordA = withIdentity(withIdentity(packPort(number, key), ~id & 0x3ff), id) >>> 0;
        const wordB = packLeecher(seconds, id, left, progress) >>> 0;
        assert.deepEqual(
          [wordA >>> 16, wordA & KEY_MASK, identityOf(wordA, wordB), leftOf(wordB), wordB & 15],
          [number, key, id & 0x300, left, progress],
        );
        assert.equal(ageOf(wordB, seconds + 100), 100);
      },
    ),
  );
});

test("a record of a complete peer holds what was put into it, and nothing overlaps", () => {
  fc.assert(
    fc.property(
      now,
      port,
      key,
      identity,
      fc.nat({ max: DWELL_MAX }),
      fc.constantFrom(0, COUNTED),
      (seconds, number, anyKey, id, dwell, counted) => {
        const key = anyKey | KEY_COMPLETE;
        const wordA = withIdentity(withIdentity(packPort(number, key), ~id & 0x3ff), id) >>> 0;
        const wordB = packSeeder(seconds, id, dwell, counted) >>> 0;
        assert.deepEqual(
          [wordA >>> 16, wordA & KEY_MASK, identityOf(wordA, wordB), dwellOf(wordB), wordB & COUNTED],
          [number, key, id, dwell, counted],
        );
        assert.equal(ageOf(wordB, seconds + 100), 100);
      },
    ),
  );
});
