import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { Address } from "../model/address.ts";
import { formatAddress } from "../model/address-text.ts";
import { ascii } from "./ascii.ts";
import { HOP_SYNTAX, HopWalk } from "./forwarded.ts";
import { FieldLines } from "./http-request.ts";

/** All hops of header lines from the right, until the walk ends; "-" when it ends before the last. */
function hops(syntax: keyof typeof HOP_SYNTAX, ...texts: string[]): string[] {
  const lines = new FieldLines();
  const bytes = ascii(`1.1.1.1, ${texts.join("\r\nx: ")}, 2.2.2.2`);
  let at = 9;
  for (const text of texts) {
    lines.starts[lines.count] = at;
    lines.ends[lines.count] = at + text.length;
    lines.count++;
    at += text.length + 5;
  }
  const walk = new HopWalk(HOP_SYNTAX[syntax]);
  const hop = new Address();
  const found: string[] = [];
  walk.open(lines);
  while (walk.next(bytes, lines, hop)) found.push(formatAddress(hop));
  return found;
}

describe("X-Forwarded-For", () => {
  it("is walked from the right, and from the last line", () => {
    assert.deepEqual(hops("xForwardedFor", "192.0.2.1, 192.0.2.2", "192.0.2.3,192.0.2.4"), [
      "192.0.2.4",
      "192.0.2.3",
      "192.0.2.2",
      "192.0.2.1",
    ]);
  });

  it("holds addresses of both families, some with ports or brackets", () => {
    assert.deepEqual(hops("xForwardedFor", "2001:db8::1, [2001:db8::2], [2001:db8::3]:80, 192.0.2.1:65535"), [
      "192.0.2.1",
      "2001:db8::3",
      "2001:db8::2",
      "2001:db8::1",
    ]);
  });

  it("unmaps v4-mapped addresses", () => {
    assert.deepEqual(hops("xForwardedFor", "::ffff:192.0.2.1"), ["192.0.2.1"]);
  });

  it("ends at whatever is no address", () => {
    for (const hop of [
      "unknown",
      "_x",
      "192.0.2",
      "peer.example",
      '"192.0.2.9"',
      "192.0.2.9 192.0.2.8",
      "for=192.0.2.9",
    ]) {
      assert.deepEqual(hops("xForwardedFor", `192.0.2.1, ${hop}, 192.0.2.3`), ["192.0.2.3"], hop);
    }
  });

  it("may have empty elements and lines", () => {
    assert.deepEqual(hops("xForwardedFor", "", ",, 192.0.2.1 ,\t,", "", " "), ["192.0.2.1"]);
    assert.deepEqual(hops("xForwardedFor"), []);
    assert.deepEqual(hops("xForwardedFor", ",,,"), []);
  });
});

describe("Forwarded", () => {
  it("is walked from the right, and from the last line", () => {
    assert.deepEqual(hops("forwarded", "for=192.0.2.1, for=192.0.2.2", "for=192.0.2.3;proto=http"), [
      "192.0.2.3",
      "192.0.2.2",
      "192.0.2.1",
    ]);
  });

  it("holds the examples of RFC 7239", () => {
    assert.deepEqual(hops("forwarded", 'For="[2001:db8:cafe::17]:4711"'), ["2001:db8:cafe::17"]);
    assert.deepEqual(hops("forwarded", "for=192.0.2.60;proto=http;by=203.0.113.43"), ["192.0.2.60"]);
    assert.deepEqual(hops("forwarded", 'for=192.0.2.43, for="[2001:db8:cafe::17]"'), [
      "2001:db8:cafe::17",
      "192.0.2.43",
    ]);
    assert.deepEqual(hops("forwarded", 'for="_gazonk"'), []);
    assert.deepEqual(hops("forwarded", 'for="192.0.2.43:47011"'), ["192.0.2.43"]);
    assert.deepEqual(hops("forwarded", 'for="192.0.2.43:_port";by="_x:_y"'), ["192.0.2.43"]);
  });

  it("may have blanks and empty pairs, and values without the quotes they need", () => {
    assert.deepEqual(hops("forwarded", "by=_a ; ;; FOR=192.0.2.1\t;"), ["192.0.2.1"]);
    assert.deepEqual(hops("forwarded", "for=[2001:db8::1]:80;proto=http, for=2001:db8::2"), [
      "2001:db8::2",
      "2001:db8::1",
    ]);
  });

  it("may quote commas, semicolons and quotes", () => {
    assert.deepEqual(hops("forwarded", 'by="a,b;for=1.1.1.1";for=192.0.2.1, host="\\",\\\\";for=192.0.2.2'), [
      "192.0.2.2",
      "192.0.2.1",
    ]);
  });

  it("ends at whatever is hidden or malformed", () => {
    const wrong = [
      "for=unknown",
      "for=_hidden",
      "for=",
      'for=""',
      "by=192.0.2.9",
      "192.0.2.9",
      "for",
      "for = 192.0.2.9",
      "=",
    ];
    for (const hop of [
      ...wrong,
      "for=192.0.2.9;for=192.0.2.8",
      'for="192.0.2.9',
      'for="192.0.2.9"x',
      'for="192\\.0.2.9"',
    ]) {
      assert.deepEqual(hops("forwarded", `for=192.0.2.1, ${hop}, for=192.0.2.3`), ["192.0.2.3"], hop);
    }
  });

  it("is not changed by what stands further left, which the client may have made up", () => {
    const left = fc.string({
      unit: fc.constantFrom('"', "\\", ",", ";", "for=", "192.0.2.9", "=", " ", "x"),
      maxLength: 20,
    });
    const hop = fc.constantFrom(
      "for=192.0.2.3",
      'for="192.0.2.3"',
      'by="\\"";for=192.0.2.3',
      'for="192.0.2.3:80";by=x',
    );
    fc.assert(
      fc.property(left, hop, (text, last) => {
        assert.equal(hops("forwarded", `${text},${last}`)[0], "192.0.2.3");
      }),
      { numRuns: 2000 },
    );
  });
});
