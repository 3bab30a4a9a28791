import assert from "node:assert/strict";
import { test } from "node:test";
import { connectionsPerAddress, connectionsWithin, otherDescriptors } from "./descriptors.ts";
import { loadConfig } from "./load.ts";
import { memoryFiles } from "./memory-files.ts";

async function load(text: string) {
  const { config } = await loadConfig({ configFile: "/b.conf" }, memoryFiles({ "/b.conf": text }));
  return config ?? assert.fail("not a configuration");
}

test("connections leave descriptors to everything else", async () => {
  const config = await load("listen: { max_connections: 5000 }");
  assert.equal(otherDescriptors(config), 256);
  assert.equal(connectionsWithin(100_000, config), 5000);
  assert.equal(connectionsWithin(4000, config), 3744);
  assert.equal(connectionsWithin(300, config), 150, "half of them, where there are few");
  assert.equal(connectionsWithin(1, config), 1);
});

test("those that ask other trackers need more", async () => {
  const neighbor = `{ name: a, announce_request: "http://192.0.2.1/announce?info_hash={info_hash}&peer_id={peer_id}&port={port}", max_concurrent: 7 }`;
  const config = await load(
    `neighbors: [${neighbor}]\nforwarded_announce: { clients: ["192.0.2.0/24"], max_requests: 100 }`,
  );
  assert.equal(otherDescriptors(config), 256 + 7 + 300);
});

test("an address has a quarter, or the configured number", async () => {
  assert.equal(connectionsPerAddress(1001, await load("")), 251);
  const config = await load("listen: { max_connections_per_address: 40 }");
  assert.equal(connectionsPerAddress(1000, config), 40);
  assert.equal(connectionsPerAddress(30, config), 30);
});
