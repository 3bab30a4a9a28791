import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { ascii, isVisible } from "./ascii.ts";
import { equalsAt, hashOf, skipVisible, viewOf } from "./words.ts";

/** Bytes at and beside the limits of visible ones are frequent. */
const anyBytes = fc
  .array(
    fc.oneof(
      { weight: 8, arbitrary: fc.integer({ min: 0x21, max: 0x7e }) },
      { weight: 1, arbitrary: fc.constantFrom(0, 1, 0x09, 0x1f, 0x20, 0x7f, 0x80, 0xa0, 0xff) },
      { weight: 1, arbitrary: fc.nat({ max: 255 }) },
    ),
    { maxLength: 60 },
  )
  .map((list) => Uint8Array.from(list));

describe("words", () => {
  it("finds the end of the visible bytes, wherever they start and stop", () => {
    fc.assert(
      fc.property(anyBytes, fc.nat(60), fc.nat(60), (bytes, a, b) => {
        const start = Math.min(a, bytes.length);
        const stop = Math.min(start + b, bytes.length);
        let expected = start;
        while (expected < stop && isVisible(bytes[expected])) expected++;
        assert.equal(skipVisible(bytes, start, stop), expected);
      }),
      { numRuns: 3000 },
    );
  });

  it("finds each byte that is not visible, at each place of a word", () => {
    for (let byte = 0; byte < 256; byte++) {
      for (let at = 0; at < 16; at++) {
        const bytes = new Uint8Array(24).fill(0x41);
        bytes[at] = byte;
        assert.equal(skipVisible(bytes, 0, 24), isVisible(byte) ? 24 : at);
      }
    }
  });

  it("are equal if all bytes are", () => {
    const text = ascii("Host: retracker.local\r\n\r\n");
    const same = viewOf(ascii(`--${"Host: retracker.local\r\n\r\n"}`));
    assert.ok(equalsAt(text, 0, same, 2, text.length));
    for (let i = 0; i < text.length; i++) {
      const other = text.slice();
      other[i] ^= 0x80;
      assert.ok(!equalsAt(other, 0, same, 2, text.length), `byte ${i} differs`);
      assert.ok(equalsAt(other, 0, same, 2, i), `the bytes before ${i} do not`);
      assert.notEqual(hashOf(other, 0, other.length), hashOf(text, 0, text.length));
    }
  });

  it("are those of the given bytes, although the last view is kept", () => {
    const a = ascii("aaaa");
    const b = ascii("xbbbb").subarray(1);
    assert.equal(viewOf(a).getUint32(0), 0x61616161);
    assert.equal(viewOf(b).getUint32(0), 0x62626262);
    assert.equal(viewOf(a).getUint32(0), 0x61616161);
  });
});
