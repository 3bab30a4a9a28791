import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import ipaddr from "ipaddr.js";
import { parseAddress } from "../model/address-text.ts";
import { isPrivate, isSpecialPurpose, isUnusable } from "./special-purpose.ts";

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
    [isSpecialPurpose, "191.255.255.255", "192.0.0.0", "192.0.0.255", "192.0.1.0"],
    [isSpecialPurpose, "192.88.98.255", "192.88.99.0", "192.88.99.255", "192.88.100.0"],
    [isSpecialPurpose, "198.17.255.255", "198.18.0.0", "198.19.255.255", "198.20.0.0"],
    [isSpecialPurpose, "2001:200::", "2001::", "2001:1ff:ffff::", "2000:ffff::"],
    [isSpecialPurpose, "2001:ffff::", "2002::", "2002:ffff:ffff::", "2003::"],
    [isSpecialPurpose, "2000::", "1fff:ffff::", "::", "3fff:ffff::"],
    [isSpecialPurpose, "3fff:ffff::", "4000::", "ffff::", "2000::"],
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

test("private and unusable addresses are special-purpose, and ordinary ones are not", () => {
  const octets = fc.tuple(
    fc.constantFrom(0, 10, 100, 127, 169, 172, 192, 224, 255),
    fc.nat(255),
    fc.nat(255),
  );
  fc.assert(
    fc.property(octets, ([a, b, c]) => {
      const address = parseAddress(`${a}.${b}.${c}.1`);
      if (isPrivate(address) || isUnusable(address)) assert.ok(isSpecialPurpose(address));
    }),
  );
  for (const text of [
    "fc00::1",
    "fe80::1",
    "fec0::1",
    "ff02::1",
    "::1",
    "::127.0.0.1",
    "64:ff9b::7f00:1",
    "100::1",
  ]) {
    assert.ok(isSpecialPurpose(parseAddress(text)), text);
  }
  for (const text of ["1.1.1.1", "192.0.2.1", "203.0.113.1", "2001:db8::1", "2606:4700::1", "2a00::"]) {
    assert.ok(!isSpecialPurpose(parseAddress(text)), text);
  }
});
