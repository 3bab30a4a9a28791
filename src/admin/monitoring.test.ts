import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { hideAddresses } from "./monitoring.ts";

test("addresses are hidden in every form", () => {
  for (const [text, hidden] of [
    ["192.0.2.7", "(address)"],
    ["192.0.2.7:6881 refused", "(address) refused"],
    ["http://[2001:db8::1]:80/announce", "http://(address)/announce"],
    ["connect ECONNREFUSED 127.0.0.1:80.", "connect ECONNREFUSED (address)"],
    ["from 2001:db8::1 and ::ffff:10.0.0.1, too", "from (address) and (address), too"],
    ["192.0.2.0/24", "(address)/24"],
    ['peer="10.1.2.3"', 'peer="(address)"'],
  ])
    assert.equal(hideAddresses(text), hidden);
});

test("figures, times and names stay", () => {
  for (const text of ["2026-11-29T12:31:50.123Z", "12:31:50", "1.5", "0.1.0", "a.example:80", "1e9"])
    assert.equal(hideAddresses(text), text);
});

test("no address remains of a text that has some", () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.ipV4(), fc.ipV6()),
      fc.constantFrom(" ", ",", ";", "=", '"', ")"),
      (address, end) => {
        assert.ok(!hideAddresses(`from ${address}${end} x`).includes(address));
      },
    ),
  );
});
