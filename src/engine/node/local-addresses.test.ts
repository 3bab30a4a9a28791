import assert from "node:assert/strict";
import type { NetworkInterfaceInfo } from "node:os";
import { test } from "node:test";
import { allowsBeside, ambiguousAddresses, localAddresses, repliesFromElsewhere } from "./local-addresses.ts";

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

test("the machine's addresses, but loopback's first and link-local ones", () => {
  const interfaces = {
    lo: [four("127.0.0.1"), four("192.0.2.53"), six("::1"), six("2001:db8::53")],
    eth0: [four("192.0.2.1"), six("2001:db8::1"), six("fe80::1", 2)],
    eth1: [four("192.0.2.1"), six("fe80::1", 3)],
    gone: undefined,
  };
  assert.deepEqual(localAddresses(interfaces), ["192.0.2.53", "2001:db8::53", "192.0.2.1", "2001:db8::1"]);
});

test("a reply can leave from elsewhere only where its family has several addresses", () => {
  const all = ["192.0.2.1", "192.0.2.2", "2001:db8::1"];
  assert.deepEqual(ambiguousAddresses("::", false, all), ["192.0.2.1", "192.0.2.2"]);
  assert.deepEqual(ambiguousAddresses("0.0.0.0", false, all), ["192.0.2.1", "192.0.2.2"]);
  assert.deepEqual(ambiguousAddresses("::", true, all), []);
  assert.deepEqual(ambiguousAddresses("::", true, [...all, "2001:db8::2"]), ["2001:db8::1", "2001:db8::2"]);
});

test("sockets of one address go beside one of every address that is ours alone, on Linux", () => {
  const every = { host: "::", port: 6969 };
  assert.equal(allowsBeside(every, "linux"), true);
  assert.equal(allowsBeside(every, "darwin"), false);
  assert.equal(allowsBeside({ ...every, fd: 3 }, "linux"), false);
  assert.equal(allowsBeside({ ...every, host: "2001:db8::1" }, "linux"), false);
});

test("where replies may leave from another address", () => {
  const given = { host: "::", port: 6969, fd: 3 };
  const one = { host: "192.0.2.1", port: 6969, fd: 4 };
  const several = ["192.0.2.1", "192.0.2.2"];
  assert.deepEqual(repliesFromElsewhere([given, one], several), [given]);
  assert.deepEqual(repliesFromElsewhere([given, one], ["192.0.2.1", "2001:db8::1"]), []);
  // IPv4 is another's.
  const ipv4 = { host: "0.0.0.0", port: 6969, fd: 4 };
  assert.deepEqual(repliesFromElsewhere([given, ipv4], several), [ipv4]);
  const every = { host: "::", port: 6969 };
  assert.deepEqual(repliesFromElsewhere([every], several), process.platform === "linux" ? [] : [every]);
  const many = Array.from({ length: 65 }, (_, i) => `192.0.2.${i}`);
  assert.deepEqual(repliesFromElsewhere([every], many), [every]);
});
