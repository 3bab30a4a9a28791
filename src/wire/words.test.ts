import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { ascii, isVisible } from "./ascii.ts";
import { equalsAt, hashOf, skipVisible, VIEWED_BYTES, viewOf } from "./words.ts";

const large = new Uint8Array(VIEWED_BYTES);

/** The same bytes at the start of a buffer for which there is a view. */
function inLarge(bytes: Uint8Array): Uint8Array {
  large.set(bytes);
  return large;
}

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
        assert.equal(skipVisible(inLarge(bytes), start, stop), expected);
      }),
      { numRuns: 3000 },
    );
  });

  it("finds each byte that is not visible, at each place of a word", () => {
    for (let byte = 0; byte < 256; byte++) {
      for (let at = 0; at < 16; at++) {
        const bytes = new Uint8Array(24).fill(0x41);
        bytes[at] = byte;
        const expected = isVisible(byte) ? 24 : at;
        assert.equal(skipVisible(bytes, 0, 24), expected);
        assert.equal(skipVisible(inLarge(bytes), 0, 24), expected);
      }
    }
  });

  it("are equal if all bytes are", () => {
    const text = ascii("Host: retracker.local\r\n\r\n");
    const { buffer } = ascii(`--${"Host: retracker.local\r\n\r\n"}`);
    const same = new DataView(buffer);
    assert.ok(equalsAt(text, 0, same, 2, text.length));
    for (let i = 0; i < text.length; i++) {
      const other = text.slice();
      other[i] ^= 0x80;
      assert.ok(!equalsAt(other, 0, same, 2, text.length), `byte ${i} differs`);
      assert.ok(equalsAt(other, 0, same, 2, i), `the bytes before ${i} do not`);
      assert.notEqual(hashOf(other, 0, other.length), hashOf(text, 0, text.length));
      assert.ok(!equalsAt(inLarge(other), 0, same, 2, text.length));
      assert.ok(equalsAt(inLarge(other), 0, same, 2, i));
    }
  });

  it("have one hash, whether there is a view of their buffer or not", () => {
    fc.assert(
      fc.property(anyBytes, (bytes) => {
        const { length } = bytes;
        assert.equal(hashOf(inLarge(bytes), 0, length), hashOf(bytes, 0, length));
      }),
    );
  });

  it("are those of the given bytes, although the last view is kept", () => {
    const other = new Uint8Array(VIEWED_BYTES + 1).subarray(1);
    other.set(ascii("bbbb"));
    for (let time = 0; time < 2; time++) {
      assert.equal(viewOf(inLarge(ascii("aaaa")))?.getUint32(0), 0x61616161);
      assert.equal(viewOf(other)?.getUint32(0), 0x62626262);
      assert.equal(viewOf(ascii("aaaa")), null);
    }
  });
});
