import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Address, householdOf, readWord, writeWord } from "./address.ts";

const word = fc.integer({ min: 0, max: 0xffff_ffff });
const offset = fc.nat(5);

test("words are read and written in network order, and nothing beside them", () => {
  fc.assert(
    fc.property(word, offset, (value, at) => {
      const bytes = new Uint8Array(10).fill(0xa5);
      writeWord(bytes, at, value);
      assert.equal(new DataView(bytes.buffer).getUint32(at), value);
      assert.equal(readWord(bytes, at), value);
      assert.ok(bytes.every((byte, i) => byte === 0xa5 || (i >= at && i < at + 4)));
    }),
  );
});

test("16 bytes come back as they were set, v4-mapped ones too", () => {
  const mapped = word.map((last) => [0, 0, 0xffff, last]);
  fc.assert(
    fc.property(fc.oneof(fc.tuple(word, word, word, word), mapped), offset, (words, at) => {
      const bytes = new Uint8Array(16 + at);
      for (const [i, value] of words.entries()) writeWord(bytes, at + i * 4, value);
      const address = new Address();
      address.setBytes(bytes, at);
      const written = new Uint8Array(16 + at);
      address.writeBytes(written, at);
      assert.deepEqual(written, bytes);
    }),
  );
});

test("a v4-mapped address is held as IPv4, and no other", () => {
  const address = new Address();
  address.setIPv6(0, 0, 0xffff, 0x0a00_0001);
  assert.equal(address.family, 4);
  assert.deepEqual([...address.words], [0x0a00_0001, 0, 0, 0]);
  for (const words of [
    [0, 0, 0, 0x0a00_0001],
    [0, 0, 0xfffe, 0x0a00_0001],
    [0, 1, 0xffff, 0x0a00_0001],
    [1, 0, 0xffff, 0x0a00_0001],
  ] satisfies [number, number, number, number][]) {
    address.setIPv6(...words);
    assert.equal(address.family, 6);
    assert.deepEqual([...address.words], words);
  }
});

test("nothing of an IPv6 address is left after an IPv4 one was set", () => {
  const address = new Address();
  address.setIPv6(1, 2, 3, 4);
  address.setIPv4(5);
  const fresh = new Address();
  fresh.setIPv4(5);
  assert.deepEqual(address, fresh);
  assert.ok(address.equals(fresh));
});

test("a copy equals its original until one of them changes", () => {
  const original = new Address();
  original.setIPv6(1, 2, 3, 4);
  const copy = new Address();
  copy.copyFrom(original);
  assert.ok(copy.equals(original));
  for (const words of [
    [0, 2, 3, 4],
    [1, 0, 3, 4],
    [1, 2, 0, 4],
    [1, 2, 3, 0],
  ] satisfies [number, number, number, number][]) {
    copy.setIPv6(...words);
    assert.ok(!copy.equals(original));
  }
  original.setIPv4(1);
  copy.setIPv6(1, 0, 0, 0);
  assert.ok(!copy.equals(original), "the same words in another family are another address");
});

test("a household is an IPv4 address, or an IPv6 /56", () => {
  const of = (...words: number[]) => {
    const address = new Address();
    if (words.length === 1) address.setIPv4(words[0]);
    else address.setIPv6(words[0], words[1], words[2], words[3]);
    return householdOf(address);
  };
  fc.assert(
    fc.property(word, word, word, fc.integer({ min: 0, max: 0xff }), word, word, (a, b, c, low, d, e) => {
      assert.equal(of(a, ((b & ~0xff) | low) >>> 0, c, d), of(a, b, d, e));
      assert.notEqual(of(a, b ^ 0x100, c, d), of(a, b, c, d));
      assert.equal(of(a) === of(b), a === b);
      assert.notEqual(of(a), of(a, 0, c, d));
    }),
  );
});
