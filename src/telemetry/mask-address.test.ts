import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import ipaddr from "ipaddr.js";
import { maskAddress } from "./mask-address.ts";

test("IPv4 keeps its /24, IPv6 its /48, ports stay", () => {
  const cases: [string, string][] = [
    ["10.1.2.3", "10.1.2.x"],
    ["10.1.2.3:6881", "10.1.2.x:6881"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1::x"],
    ["2001:db8::1", "2001:db8:0::x"],
    ["2001::1", "2001:0:0::x"],
    ["::1", "0:0:0::x"],
    ["::", "0:0:0::x"],
    ["fe80::1%eth0", "fe80:0:0::x"],
    ["1:2:3:4:5:6:7::", "1:2:3::x"],
    ["64:ff9b::192.0.2.33", "64:ff9b:0::x"],
    ["::192.0.2.33", "0:0:0::x"],
    ["[2001:db8:1::9]:6881", "[2001:db8:1::x]:6881"],
    ["[2001:db8:1::9]", "[2001:db8:1::x]"],
    ["::ffff:10.1.2.3", "::ffff:10.1.2.x"],
    ["[::FFFF:10.1.2.3]:80", "[::ffff:10.1.2.x]:80"],
  ];
  for (const [address, masked] of cases) assert.equal(maskAddress(address), masked);
});

test("other text is unchanged", () => {
  for (const text of [
    "",
    "retracker.local",
    "retracker.local:80",
    "10.1.2",
    "10.1.2.x",
    "[10.1.2.3]:1",
    "unix",
  ]) {
    assert.equal(maskAddress(text), text);
  }
});

test("any IPv4 and IPv6 address keeps exactly its network", () => {
  fc.assert(
    fc.property(fc.ipV4(), (address) => {
      assert.equal(maskAddress(address).replace("x", "0"), address.replace(/\d+$/, "0"));
    }),
  );
  fc.assert(
    fc.property(fc.ipV6(), (address) => {
      const parsed = ipaddr.IPv6.parse(address);
      if (parsed.isIPv4MappedAddress()) return;
      const masked = ipaddr.IPv6.parse(maskAddress(address).replace("x", ""));
      assert.deepEqual(masked.parts, [...parsed.parts.slice(0, 3), 0, 0, 0, 0, 0]);
    }),
  );
});
