import assert from "node:assert/strict";
import { test } from "node:test";
import { parseAddress } from "../model/address-text.ts";
import { parsePrefix } from "../network/prefix.ts";
import { publicAddressesExcept } from "./address-guard.ts";

test("addresses of the internet pass, but for those that are denied", () => {
  const guard = publicAddressesExcept([
    parsePrefix("8.8.8.0/24").prefix,
    parsePrefix("2a00:1450::/32").prefix,
  ]);
  const passes = (text: string) => guard(parseAddress(text));
  for (const text of ["8.8.9.1", "1.1.1.1", "2a00:1451::1"]) assert.ok(passes(text), text);
  for (const text of ["8.8.8.8", "::ffff:8.8.8.8", "2a00:1450::1"]) assert.ok(!passes(text), text);
  for (const text of [
    "127.0.0.1",
    "10.1.2.3",
    "169.254.169.254",
    "::1",
    "fe80::1",
    "::",
    "64:ff9b::7f00:1",
  ]) {
    assert.ok(!passes(text), text);
  }
});
