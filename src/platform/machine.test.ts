import assert from "node:assert/strict";
import { test } from "node:test";
import { formatPrefix } from "../network/prefix.ts";
import { machineAddresses, ownAddresses } from "./machine.ts";

test("this machine's addresses are those of its interfaces, and those that the operator calls its own", () => {
  const own = ownAddresses(["retracker.local", "192.0.2.7", "[2001:db8::7]", "1.2.3", "[x]"]);
  assert.deepEqual(own.slice(0, -2), machineAddresses());
  assert.deepEqual(own.slice(-2).map(formatPrefix), ["192.0.2.7/32", "2001:db8::7/128"]);
});
