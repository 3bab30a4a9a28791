import assert from "node:assert/strict";
import { it } from "node:test";
import { ascii } from "./ascii.ts";
import { writeByteString, writeInteger } from "./bencode.ts";

function written(write: (bytes: Uint8Array) => number): string {
  const bytes = new Uint8Array(64);
  return Buffer.from(bytes.subarray(1, write(bytes))).toString("latin1");
}

it("writes integers", () => {
  for (const value of [0, 7, 1800, 2 ** 32, 2 ** 53]) {
    assert.equal(
      written((bytes) => writeInteger(bytes, 1, value)),
      `i${value}e`,
    );
  }
});

it("writes byte strings", () => {
  for (const text of ["", "e", "peers", "\0\xff".repeat(20)]) {
    assert.equal(
      written((bytes) => writeByteString(bytes, 1, ascii(text))),
      `${text.length}:${text}`,
    );
  }
});
