import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { ascii } from "./ascii.ts";
import { BROKEN_ESCAPE, QueryWalk, TOO_LONG } from "./query.ts";
import { VIEWED_BYTES } from "./words.ts";

const ROOM = 24;

type Value = string | typeof BROKEN_ESCAPE | typeof TOO_LONG;

/** All pairs, decoded, in order. The query stands between bytes that must not be read. */
function pairs(query: string): [string, Value][] {
  const bytes = ascii(`4${query}41`);
  const out = new Uint8Array(ROOM);
  const walk = new QueryWalk();
  const found: [string, Value][] = [];
  walk.open(1, 1 + query.length);
  while (walk.next(bytes)) {
    const key = Buffer.from(bytes.subarray(walk.keyStart, walk.keyEnd)).toString("latin1");
    const length = walk.decodeValue(bytes, out);
    const broken = length === BROKEN_ESCAPE || length === TOO_LONG;
    found.push([key, broken ? length : Buffer.from(out.subarray(0, length)).toString("latin1")]);
  }
  return found;
}

/** The same with strings. */
function expectedPairs(query: string): [string, Value][] {
  if (query === "") return [];
  const parts = query.endsWith("&") ? query.slice(0, -1).split("&") : query.split("&");
  return parts.map((part) => {
    const [key, ...rest] = part.split("=");
    return [key, expectedValue(rest.join("="))];
  });
}

function expectedValue(raw: string): Value {
  const units = raw.match(/%[0-9a-fA-F]{2}|./gs) ?? [];
  for (const [i, unit] of units.entries()) {
    if (unit === "%") return BROKEN_ESCAPE;
    if (i === ROOM) return TOO_LONG;
  }
  return units
    .map((unit) => (unit.length === 3 ? String.fromCharCode(Number.parseInt(unit.slice(1), 16)) : unit))
    .join("");
}

describe("QueryWalk", () => {
  it("finds keys with, without and with empty values", () => {
    assert.deepEqual(pairs("a=1&b&c=&=d&&e=f=g"), [
      ["a", "1"],
      ["b", ""],
      ["c", ""],
      ["", "d"],
      ["", ""],
      ["e", "f=g"],
    ]);
    assert.deepEqual(pairs(""), []);
  });

  it("decodes escapes in any case, and leaves + alone", () => {
    assert.deepEqual(pairs("a=%aB%Ab+%2b%20%00%ff"), [["a", "\xab\xab++ \0\xff"]]);
  });

  it("finds broken escapes, and goes on behind them", () => {
    for (const broken of ["%", "%4", "%zz", "%4g", "%g4", "%%41", "1%"]) {
      assert.deepEqual(pairs(`a=${broken}&b=2`), [
        ["a", BROKEN_ESCAPE],
        ["b", "2"],
      ]);
      assert.deepEqual(pairs(`a=${broken}`), [["a", BROKEN_ESCAPE]]);
    }
  });

  it("writes no more than there is room for, and goes on behind it", () => {
    assert.deepEqual(pairs(`a=${"x".repeat(ROOM)}&b=${"x".repeat(ROOM + 1)}&c=3`), [
      ["a", "x".repeat(ROOM)],
      ["b", TOO_LONG],
      ["c", "3"],
    ]);
  });

  it("skips values", () => {
    const bytes = ascii("a=%zz&b=2");
    const walk = new QueryWalk();
    walk.open(0, bytes.length);
    assert.ok(walk.next(bytes));
    assert.equal(walk.skipValue(bytes), 5);
    assert.ok(walk.next(bytes));
    assert.equal(walk.keyStart, 6);
  });

  it("reads every query as a reference with strings does", () => {
    const query = fc.string({
      unit: fc.constantFrom(..."ab=&%4fFg+\xff", "=%61", "&k=", "%e0"),
      maxLength: 40,
    });
    fc.assert(
      fc.property(query, (text) => assert.deepEqual(pairs(text), expectedPairs(text))),
      { numRuns: 2000 },
    );
  });

  describe("values in place", () => {
    const values = fc
      .array(
        fc.oneof(
          { weight: 6, arbitrary: fc.constantFrom("0", "7", "a", "F", "-", "x") },
          { weight: 3, arbitrary: fc.constantFrom("%26", "%00", "%fF", "%2") },
          { weight: 1, arbitrary: fc.constantFrom("&", "%", "$", "'", "%g0", "\xff", "=") },
        ),
        { maxLength: 24 },
      )
      .map((parts) => parts.join(""));
    /** What follows the query: a value must not be read beyond its end. */
    const PADDING = "41&".repeat(30);

    /** Buffers without a view, and with one. */
    const buffers = [new Uint8Array(1024), new Uint8Array(VIEWED_BYTES)];

    /** Takes the value, and then the key behind it: decoding must end at the same place. */
    function both<T>(
      query: string,
      take: (walk: QueryWalk, bytes: Uint8Array) => T,
      bytes = buffers[0],
    ): [T, Value | undefined] {
      bytes.set(ascii(`${query}${PADDING}`));
      const walk = new QueryWalk();
      walk.open(0, query.length);
      walk.next(bytes);
      const taken = take(walk, bytes);
      const next = walk.next(bytes) ? walk.keyStart : undefined;
      return [taken, next?.toString()];
    }

    /** The same with strings. */
    function expectedEnd(query: string): string | undefined {
      const end = query.indexOf("&");
      return end < 0 || end + 1 >= query.length ? undefined : String(end + 1);
    }

    it("are 20 bytes if and only if the value decodes to 20 bytes", () => {
      const twenty = fc
        .array(fc.constantFrom("0", "a", "-", "%26", "%00", "%fF"), { minLength: 20, maxLength: 20 })
        .map((parts) => parts.join(""));
      const words = new Uint32Array(6);
      fc.assert(
        fc.property(fc.oneof(values, twenty), fc.constantFrom("", "&", "&k"), fc.nat(1), (value, rest, n) => {
          const query = `h=${value}${rest}`;
          const expected = expectedValue(value.split("&")[0]);
          const take = (walk: QueryWalk, bytes: Uint8Array) => walk.takeWords(bytes, words, 1);
          const [taken, next] = both(query, take, buffers[n]);
          const isTwenty = typeof expected === "string" && expected.length === 20;
          assert.equal(taken, isTwenty, query);
          if (!isTwenty) return;
          assert.equal(next, expectedEnd(query), query);
          const bytes = Buffer.alloc(20);
          for (let i = 0; i < 5; i++) bytes.writeUInt32BE(words[1 + i], 4 * i);
          assert.equal(bytes.toString("latin1"), expected, query);
        }),
        { numRuns: 3000 },
      );
    });

    it("are numbers if they consist of a few digits", () => {
      fc.assert(
        fc.property(values, fc.constantFrom("", "&", "&k"), (value, rest) => {
          const query = `h=${value}${rest}`;
          const [text] = value.split("&");
          const [decimal, afterDecimal] = both(query, (walk, bytes) => walk.takeNumber(bytes));
          assert.equal(decimal, /^\d{1,15}$/.test(text) ? Number(text) : -1, query);
          if (decimal >= 0) assert.equal(afterDecimal, expectedEnd(query), query);
          const out = new Int32Array(1);
          const [isHex, afterHex] = both(query, (walk, bytes) => walk.takeHex(bytes, out));
          assert.equal(isHex, /^[\da-fA-F]{0,8}$/.test(text), query);
          if (isHex) assert.equal(out[0], Number.parseInt(text || "0", 16) | 0, query);
          if (isHex) assert.equal(afterHex, expectedEnd(query), query);
        }),
        { numRuns: 3000 },
      );
    });
  });
});
