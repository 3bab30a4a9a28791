import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import ipaddr from "ipaddr.js";
import { parseAddress } from "../model/address-text.ts";
import { isPrivate, isUnusable } from "./special-purpose.ts";

/** Two arbitrary bytes of an address are made into these, so that the blocks and their edges are often met. */
const startOfBlocks4 = fc.tuple(
  fc.oneof(fc.constantFrom(0, 10, 100, 127, 169, 172, 192, 223, 224, 239, 240, 255), fc.nat(255)),
  fc.oneof(fc.constantFrom(0, 15, 16, 31, 32, 63, 64, 127, 128, 167, 168, 169, 253, 254, 255), fc.nat(255)),
  fc.nat(255),
  fc.nat(255),
);

test("IPv4: as ipaddr.js classifies", () => {
  fc.assert(
    fc.property(startOfBlocks4, (octets) => {
      const address = parseAddress(octets.join("."));
      const range = new ipaddr.IPv4(octets).range();
      const near = ["private", "carrierGradeNat", "loopback", "linkLocal"].includes(range);
      assert.equal(isPrivate(address), near, octets.join("."));
      const unusable = ["unspecified", "multicast", "broadcast"].includes(range) || octets[0] >= 240;
      assert.equal(isUnusable(address), unusable, octets.join("."));
    }),
    { numRuns: 5000 },
  );
});

test("the first and last address of each block, and their neighbours outside", () => {
  const blocks: [(address: ReturnType<typeof parseAddress>) => boolean, string, string, string, string][] = [
    [isPrivate, "9.255.255.255", "10.0.0.0", "10.255.255.255", "11.0.0.0"],
    [isPrivate, "100.63.255.255", "100.64.0.0", "100.127.255.255", "100.128.0.0"],
    [isPrivate, "126.255.255.255", "127.0.0.0", "127.255.255.255", "128.0.0.0"],
    [isPrivate, "169.253.255.255", "169.254.0.0", "169.254.255.255", "169.255.0.0"],
    [isPrivate, "172.15.255.255", "172.16.0.0", "172.31.255.255", "172.32.0.0"],
    [isPrivate, "192.167.255.255", "192.168.0.0", "192.168.255.255", "192.169.0.0"],
    [isPrivate, "::", "::1", "::1", "::2"],
    [isPrivate, "fbff:ffff::", "fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fe00::"],
    [isPrivate, "fe7f:ffff::", "fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fec0::"],
    [isUnusable, "1.0.0.0", "0.0.0.0", "0.255.255.255", "1.0.0.0"],
    [isUnusable, "223.255.255.255", "224.0.0.0", "255.255.255.255", "1.1.1.1"],
    [isUnusable, "::1", "::", "::", "::1:0:0:0"],
    [isUnusable, "feff:ffff::", "ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db8::"],
  ];
  for (const [check, before, first, last, after] of blocks) {
    assert.deepEqual(
      [before, first, last, after].map((text) => check(parseAddress(text))),
      [false, true, true, false],
      `${first} to ${last}`,
    );
  }
});

test("an ordinary address is neither", () => {
  for (const text of [
    "1.1.1.1",
    "8.8.8.8",
    "192.0.2.1",
    "2001:db8::1",
    "2a00::",
    "1::",
    "0:1::",
    "::1:1",
    "0:0:1::1",
  ]) {
    assert.ok(!isPrivate(parseAddress(text)) && !isUnusable(parseAddress(text)), text);
  }
});
