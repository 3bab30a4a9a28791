import assert from "node:assert/strict";
import type { NetworkInterfaceInfo } from "node:os";
import { test } from "node:test";
import {
  allowsPerAddressSockets,
  ambiguousAddresses,
  localAddresses,
  uncertainReplySources,
} from "./local-addresses.ts";

const four = (address: string): NetworkInterfaceInfo => ({
  address,
  netmask: "255.255.255.0",
  family: "IPv4",
  mac: "00:00:00:00:00:00",
  internal: false,
  cidr: null,
});

const six = (address: string, scopeid = 0): NetworkInterfaceInfo => ({
  ...four(address),
  family: "IPv6",
  scopeid,
});

test("the machine's addresses without the first of loopback and link-local ones", () => {
  const interfaces = {
    lo: [four("127.0.0.1"), four("192.0.2.53"), six("::1"), six("2001:db8::53")],
    eth0: [four("192.0.2.1"), six("2001:db8::1"), six("fe80::1", 2)],
    eth1: [four("192.0.2.1"), six("fe80::1", 3)],
    gone: undefined,
  };
  assert.deepEqual(localAddresses(interfaces), ["192.0.2.53", "2001:db8::53", "192.0.2.1", "2001:db8::1"]);
});

test("a reply can have another source only if its family has several addresses", () => {
  const all = ["192.0.2.1", "192.0.2.2", "2001:db8::1"];
  assert.deepEqual(ambiguousAddresses("::", false, all), ["192.0.2.1", "192.0.2.2"]);
  assert.deepEqual(ambiguousAddresses("0.0.0.0", false, all), ["192.0.2.1", "192.0.2.2"]);
  assert.deepEqual(ambiguousAddresses("::", true, all), []);
  assert.deepEqual(ambiguousAddresses("::", true, [...all, "2001:db8::2"]), ["2001:db8::1", "2001:db8::2"]);
});

test("per-address sockets are possible beside our own wildcard socket, on Linux", () => {
  const every = { host: "::", port: 6969 };
  assert.equal(allowsPerAddressSockets(every, "linux"), true);
  assert.equal(allowsPerAddressSockets(every, "darwin"), false);
  assert.equal(allowsPerAddressSockets({ ...every, fd: 3 }, "linux"), false);
  assert.equal(allowsPerAddressSockets({ ...every, host: "2001:db8::1" }, "linux"), false);
});

test("listeners whose replies may have another source", () => {
  const given = { host: "::", port: 6969, fd: 3 };
  const one = { host: "192.0.2.1", port: 6969, fd: 4 };
  const several = ["192.0.2.1", "192.0.2.2"];
  assert.deepEqual(uncertainReplySources([given, one], several), [given]);
  assert.deepEqual(uncertainReplySources([given, one], ["192.0.2.1", "2001:db8::1"]), []);
  // Another socket has IPv4.
  const ipv4 = { host: "0.0.0.0", port: 6969, fd: 4 };
  assert.deepEqual(uncertainReplySources([given, ipv4], several), [ipv4]);
  const every = { host: "::", port: 6969 };
  assert.deepEqual(uncertainReplySources([every], several), process.platform === "linux" ? [] : [every]);
  const many = Array.from({ length: 65 }, (_, i) => `192.0.2.${i}`);
  assert.deepEqual(uncertainReplySources([every], many), [every]);
});
