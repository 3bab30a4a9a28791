import assert from "node:assert/strict";
import { test } from "node:test";
import { HostileTracker } from "../../test/support/hostile-tracker.ts";
import { answerOf, assertFailed } from "../../test/support/outcomes.ts";
import { parseAddress } from "../model/address-text.ts";
import { parsePrefix } from "../network/prefix.ts";
import { chosenOrPublicExcept, publicAddressesExcept } from "./address-guard.ts";
import { TrackerClient } from "./tracker-client.ts";

test("addresses of the internet pass, but for those that are denied", () => {
  const guard = publicAddressesExcept([
    parsePrefix("8.8.8.0/24").prefix,
    parsePrefix("2a00:1450::/32").prefix,
  ]);
  const passes = (text: string) => guard(parseAddress(text), { host: "name", port: 80 });
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

test("a configured host may have any address, but its redirects lead only to itself or the internet", async (t) => {
  const chosen = await HostileTracker.start("127.0.0.1");
  const inside = await HostileTracker.start("127.0.0.2", chosen.port);
  const names: Record<string, string> = { chosen: "127.0.0.1", inside: "127.0.0.2", local: "10.0.0.1" };
  const query = `?info_hash=${"%aA".repeat(20)}&port=6881`;
  const clientOf = (host: string) =>
    new TrackerClient({
      guard: chosenOrPublicExcept(`http://${host}:${chosen.port}/announce`, []),
      refuseLowPorts: false,
      timeoutMs: 60_000,
      maxInFlight: 10,
      maxPerHost: 10,
      resolve: async (name) => [parseAddress(names[name])],
    });
  const clients = { chosen: clientOf("CHOSEN"), "127.0.0.1": clientOf("127.0.0.1") };
  t.after(async () => {
    await Promise.all(Object.values(clients).map((client) => client.close()));
    await Promise.all([chosen.stop(), inside.stop()]);
  });

  for (const [host, client] of Object.entries(clients)) {
    const redirected = (url: string) => {
      const to = encodeURIComponent(url.replace("PORT", String(chosen.port)) + query);
      return client.announce({ url: `http://${host}:${chosen.port}/redirect%20to?${to}` });
    };
    for (const url of [`http://${host}:PORT/good`, `http://${host.toUpperCase()}:PORT/good`, "/good", "good"])
      assert.equal(answerOf(await redirected(url)).interval, 1800, url);
    for (const url of [
      "http://127.0.0.2:PORT/good",
      "http://inside:PORT/good",
      "//inside:PORT/good",
      `http://${host}:1/good`,
      `https://${host}/good`,
      "http://local/good",
      "http://[::1]:PORT/good",
    ])
      assertFailed(await redirected(url), "address");
    assertFailed(await client.announce({ url: `http://inside:${chosen.port}/good` }), "address");
  }
  assert.equal(inside.connections, 0);
});
