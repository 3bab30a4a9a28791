import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import ipaddr from "ipaddr.js";
import { writePeerAddress } from "./peer-address.ts";

function parse(text: string): string {
  const bytes = new Uint8Array(20).fill(0xee);
  writePeerAddress(text, bytes);
  assert.deepEqual(
    [...bytes.subarray(16)],
    [0xee, 0xee, 0xee, 0xee],
    "nothing is written behind the address",
  );
  return Buffer.from(bytes.subarray(0, 16)).toString("hex");
}

test("addresses as the operating system writes them", () => {
  const expected = {
    "192.0.2.1": "00000000000000000000ffffc0000201",
    "255.255.255.255": "00000000000000000000ffffffffffff",
    "::ffff:192.0.2.1": "00000000000000000000ffffc0000201",
    "::": "00000000000000000000000000000000",
    "::1": "00000000000000000000000000000001",
    "1::": "00010000000000000000000000000000",
    "2001:db8::8:800:200c:417a": "20010db80000000000080800200c417a",
    "2001:DB8:0:0:8:800:200C:417A": "20010db80000000000080800200c417a",
    "::192.0.2.1": "000000000000000000000000c0000201",
    "64:ff9b::192.0.2.1": "0064ff9b0000000000000000c0000201",
    "1:2:3:4:5:6:192.0.2.1": "000100020003000400050006c0000201",
    "1:2:3:4:5:6:7:8": "00010002000300040005000600070008",
    "::2:3:4:5:6:7:8": "00000002000300040005000600070008",
    "fe80::1%eth0": "fe800000000000000000000000000001",
    "fe80::a:b%3": "fe8000000000000000000000000a000b",
    "fe80::%lo.7:2": "fe800000000000000000000000000000",
  };
  for (const [text, hex] of Object.entries(expected)) assert.equal(parse(text), hex, text);
});

test("every IPv6 address, in every shortened form", () => {
  const word = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffff }));
  const words = fc.array(word, { minLength: 8, maxLength: 8 });
  fc.assert(
    fc.property(words, (words) => {
      const address = new ipaddr.IPv6(words);
      const hex = Buffer.from(address.toByteArray()).toString("hex");
      for (const text of [address.toString(), address.toNormalizedString()]) {
        assert.equal(parse(text), hex, text);
      }
    }),
  );
});
