import assert from "node:assert/strict";
import { test } from "node:test";
import { likelyPrefixes } from "./likely-prefixes.ts";

test("other notations of a network are suggested as prefixes", () => {
  const cases: Record<string, string | undefined> = {
    "10.0.0.0-10.0.0.255": "10.0.0.0/24",
    "10.0.0.0 - 10.0.2.255": "10.0.0.0/23, 10.0.2.0/24",
    "0.0.0.0-255.255.255.255": "0.0.0.0/0",
    "10.0.0.1-10.0.0.254": "the range as prefixes, such as 192.0.2.0/24",
    "10.0.0.9-10.0.0.1": "the range as prefixes, such as 192.0.2.0/24",
    "10.0.0.0/255.0.0.0": "10.0.0.0/8",
    "10.0.0.0 255.255.255.0": "10.0.0.0/24",
    "10.0.0.0/255.0.255.0": undefined,
    "10.0.0.*": "10.0.0.0/24",
    "10.*.*.*": "10.0.0.0/8",
    "10.0.0/8": "10.0.0.0/8",
    "10/8": "10.0.0.0/8",
    "2001:db8/32": "2001:db8::/32",
    "10.2.0.0/16;": "10.2.0.0/16",
    "10.0.0.0/33": undefined,
    "example.org": undefined,
    "": undefined,
  };
  for (const [text, wanted] of Object.entries(cases)) assert.equal(likelyPrefixes(text), wanted, text);
});
