import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { ascii } from "./ascii.ts";
import { decimalDigits, readDecimal, writeDecimal } from "./decimal.ts";

function read(text: string, max: number): number {
  const bytes = ascii(`1${text}2`);
  return readDecimal(bytes, 1, bytes.length - 1, max);
}

describe("readDecimal", () => {
  it("reads digits up to the bound, which is allowed", () => {
    assert.equal(read("0", 0), 0);
    assert.equal(read("65535", 65535), 65535);
    assert.equal(read("00007", 65535), 7);
    assert.equal(read("9007199254740991", Number.MAX_SAFE_INTEGER), Number.MAX_SAFE_INTEGER);
  });

  it("refuses everything else", () => {
    for (const text of [
      "",
      "65536",
      "-1",
      "+1",
      " 1",
      "1 ",
      "1.0",
      "1e3",
      "0x1",
      "/",
      ":",
      "99999999999999999999",
    ]) {
      assert.equal(read(text, 65535), -1, text);
    }
  });

  it("reads nothing from an empty or negative range", () => {
    assert.equal(readDecimal(ascii("12"), 1, 1, 9), -1);
    assert.equal(readDecimal(ascii("12"), 1, -2, 9), -1);
  });
});

describe("writeDecimal", () => {
  it("writes every integer to 2^53 as its text", () => {
    const edges = fc.constantFrom(
      0,
      9,
      10,
      999_999_999,
      1_000_000_000,
      1_000_000_001,
      2 ** 31,
      2 ** 32,
      2 ** 53,
    );
    fc.assert(
      fc.property(fc.oneof(edges, fc.maxSafeNat()), (value) => {
        const bytes = new Uint8Array(20);
        const end = writeDecimal(bytes, 2, value);
        assert.equal(Buffer.from(bytes.subarray(2, end)).toString(), String(value));
      }),
    );
  });
});

describe("decimalDigits", () => {
  it("counts them", () => {
    for (const value of [0, 9, 10, 99, 100, 131_071, 999_999_999]) {
      assert.equal(decimalDigits(value), String(value).length);
    }
  });
});
