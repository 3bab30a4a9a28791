import assert from "node:assert/strict";
import { isIP } from "node:net";
import { test } from "node:test";
import fc from "fast-check";
import ipaddr from "ipaddr.js";
import { Address } from "./address.ts";
import { formatAddress, parseAddress } from "./address-text.ts";

const anyText = fc.oneof(fc.ipV4(), fc.ipV6());

test("parses what ipaddr.js parses, to the same bytes", () => {
  fc.assert(
    fc.property(anyText, (text) => {
      fc.pre(!/^::\d+\./.test(text)); // ipaddr.js takes ::a.b.c.d for ::ffff:a.b.c.d
      const bytes = new Uint8Array(16);
      parseAddress(text).writeBytes(bytes, 0);
      const expected = ipaddr.parse(text);
      const expectedBytes =
        expected.kind() === "ipv4"
          ? [...new Array(10).fill(0), 255, 255, ...expected.toByteArray()]
          : expected.toByteArray();
      assert.deepEqual([...bytes], expectedBytes);
    }),
  );
});

test("accepts exactly the texts that the system's parser accepts", () => {
  const broken = fc
    .tuple(anyText, fc.nat(40), fc.nat(1), fc.constantFrom(..."0159afg:. /-", "::", "00"))
    .map(([text, at, removed, added]) => text.slice(0, at) + added + text.slice(at + removed));
  fc.assert(
    fc.property(broken, (text) => {
      if (isIP(text) === 0) assert.throws(() => parseAddress(text), Error);
      else parseAddress(text);
    }),
    { numRuns: 2000 },
  );
});

test("refuses with the reason", () => {
  const refused: [string, string][] = [
    ["", "four numbers separated by dots are expected"],
    ["10.0.0", "four numbers separated by dots are expected"],
    ["10.0.0.0.0", "four numbers separated by dots are expected"],
    ["10.0.0.256", '"256" is not a number from 0 to 255 without leading zeros'],
    ["010.0.0.1", '"010" is not a number from 0 to 255 without leading zeros'],
    ["0x0a.0.0.1", '"0x0a" is not a number from 0 to 255 without leading zeros'],
    [" 10.0.0.1", '" 10" is not a number from 0 to 255 without leading zeros'],
    ["1::2::3", '"::" may occur only once'],
    ["1:2:3", 'eight groups, or "::" in place of some, are expected'],
    ["1:2:3:4:5:6:7:8:9", 'eight groups, or "::" in place of some, are expected'],
    ["1:2:3:4::5:6:7:8", '"::" replaces no group'],
    [":::", '"" is not a group of one to four hexadecimal digits'],
    ["12345::", '"12345" is not a group of one to four hexadecimal digits'],
    ["fe80::1%eth0", '"1%eth0" is not a group of one to four hexadecimal digits'],
    ["1.2.3.4::", '"1.2.3.4" is not a group of one to four hexadecimal digits'],
    ["::1.2.3.4:5", '"1.2.3.4" is not a group of one to four hexadecimal digits'],
    ["[::1]", '"[" is not a group of one to four hexadecimal digits'],
    ["::ffff:1.2.3.04", '"04" is not a number from 0 to 255 without leading zeros'],
  ];
  for (const [text, why] of refused) {
    assert.throws(() => parseAddress(text), { message: `"${text}" is not an IP address: ${why}` });
  }
});

test("a v4-mapped address is the IPv4 address, however it is written", () => {
  for (const text of ["::ffff:192.0.2.1", "::FFFF:c000:201", "0:0:0:0:0:ffff:c000:0201"]) {
    assert.equal(formatAddress(parseAddress(text)), "192.0.2.1");
  }
});

test("an IPv4-compatible address is an IPv6 address (RFC 4291 2.5.5.1)", () => {
  assert.equal(formatAddress(parseAddress("::192.0.2.1")), "::c000:201");
});

test("formats as RFC 5952 says", () => {
  const address = new Address();
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom(0, 0, 1, 0xffff, 0x0db8), { minLength: 8, maxLength: 8 }),
      (groups) => {
        const word = (i: number) => ((groups[i] << 16) | groups[i + 1]) >>> 0;
        address.setIPv6(word(0), word(2), word(4), word(6));
        if (address.family === 4) return;
        assert.equal(formatAddress(address), new ipaddr.IPv6(groups).toRFC5952String());
      },
    ),
  );
  for (const text of [
    "2001:db8::1",
    "2001:db8:0:1:1:1:1:1",
    "2001:0:0:1::1",
    "::",
    "::1",
    "1::",
    "0.0.0.0",
    "255.1.0.9",
  ]) {
    assert.equal(formatAddress(parseAddress(text)), text);
  }
});
